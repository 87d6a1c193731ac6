"""What a reviewer keeps for themselves."""

from django.db import models

from accounts import clock
from accounts.models import User


class SavedView(models.Model):
    """A list of posts that a person comes back to: the filters of its address, under a name."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=1000, blank=True, help_text="The address's query, without the question mark.")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="one_view_per_name")]

    def __str__(self) -> str:
        return self.name
