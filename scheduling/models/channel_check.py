from django.db import models

from posts.models import Channel


class ChannelCheck(models.Model):
    """The platform's answer to the last check of a channel, shown to reviewers.

    `quota_used` of `quota_total`: Instagram's posts of the last 24 hours, null where the platform did not report it.
    """

    channel = models.OneToOneField(Channel, primary_key=True, on_delete=models.CASCADE, related_name="checkup")
    at = models.DateTimeField()
    problem = models.CharField(max_length=300, blank=True, help_text="The error of the check; empty without one.")
    permission = models.BooleanField(default=False, help_text="Whether the problem is a missing permission.")
    quota_used = models.PositiveIntegerField(null=True)
    quota_total = models.PositiveIntegerField(null=True)

    def __str__(self) -> str:
        return f"checkup of {self.channel_id}"
