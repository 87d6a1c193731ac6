"""What was last learnt about a channel by asking the platform, without publishing anything."""

from django.db import models

from posts.models import Channel


class ChannelCheck(models.Model):
    """The answer of the last look at a channel, for people to see before they decide. It decides nothing itself.

    `quota_used` of `quota_total`: Instagram's posts of the last 24 hours, null where the platform did not say.
    """

    channel = models.OneToOneField(Channel, primary_key=True, on_delete=models.CASCADE, related_name="checkup")
    at = models.DateTimeField()
    problem = models.CharField(max_length=300, blank=True, help_text="What the platform said instead of answering.")
    permission = models.BooleanField(default=False, help_text="Whether the problem is a permission that is missing.")
    quota_used = models.PositiveIntegerField(null=True)
    quota_total = models.PositiveIntegerField(null=True)

    def __str__(self) -> str:
        return f"checkup of {self.channel_id}"
