"""The last check of each channel."""

from django.db import models

from posts.models import Channel


class ChannelCheck(models.Model):
    """The platform's answer to the last check of a channel, shown to reviewers.

    `quota_used` of `quota_total`: Instagram's posts of the last 24 hours, null where the platform did not report it.
    `platform_name`, `platform_username`: of the account, by the last check that succeeded.
    Of the token, at `token_checked_at`: `expires_at` and `data_access_expires_at`, null for never or unknown, and
    `missing_permissions`. All unknown without GRAPH_APP_ID and GRAPH_APP_SECRET.
    """

    channel = models.OneToOneField(Channel, primary_key=True, on_delete=models.CASCADE, related_name="checkup")
    at = models.DateTimeField()
    problem = models.CharField(max_length=300, blank=True, help_text="The error of the check; empty without one.")
    permission = models.BooleanField(default=False, help_text="Whether the problem is a missing permission.")
    quota_used = models.PositiveIntegerField(null=True)
    quota_total = models.PositiveIntegerField(null=True)
    platform_name = models.CharField(max_length=200, blank=True, default="", db_default="")
    platform_username = models.CharField(max_length=200, blank=True, default="", db_default="")
    token_checked_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    data_access_expires_at = models.DateTimeField(null=True)
    missing_permissions = models.JSONField(default=list, db_default=[])

    def __str__(self) -> str:
        return f"checkup of {self.channel_id}"

    @property
    def account(self) -> str:
        """Name and handle of the account on the platform; empty before a check succeeded."""
        handle = f"@{self.platform_username}" if self.platform_username else ""
        return " · ".join(part for part in (self.platform_name, handle) if part)

    def is_named(self, name: str) -> bool:
        """Whether `name` is the name or the handle of the account on the platform."""
        names = (self.platform_name, self.platform_username)
        return name.strip().removeprefix("@").casefold() in {each.strip().casefold() for each in names if each}
