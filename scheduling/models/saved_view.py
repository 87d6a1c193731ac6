"""Saved filters of the list of posts."""

from django.db import models

from accounts import clock
from accounts.models import User


class SavedView(models.Model):
    """A person's saved filter of the list of posts."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=1000, blank=True, help_text="The query string, without the question mark.")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="one_view_per_name")]

    def __str__(self) -> str:
        return self.name
