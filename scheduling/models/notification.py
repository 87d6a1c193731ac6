"""Events, and notifications of them by e-mail and webhook."""

import uuid

from django.db import models
from django.db.models import Q

from accounts import clock
from accounts.models import Organization, User
from posts.models import Channel
from scheduling.models.fields import CompressedJSONField


class NoticeKind(models.TextChoices):
    CREATED = "CREATED", "was created"
    EDITED = "EDITED", "was edited"
    OVERWRITTEN = "OVERWRITTEN", "was changed by an API key after a person"
    SUBMITTED = "SUBMITTED", "waits for approval"
    REJECTED = "REJECTED", "was rejected"
    APPROVED = "APPROVED", "was approved"
    PUBLISHED = "PUBLISHED", "was published"
    FAILED = "FAILED", "failed"
    LATE = "LATE", "was missed"
    UNKNOWN = "UNKNOWN", "has an unknown outcome"
    RECONNECT = "RECONNECT", "channel needs reconnecting"
    BLOCKED = "BLOCKED", "channel blocked by the platform"
    DEAUTHORIZED = "DEAUTHORIZED", "access to the channel was withdrawn"
    TOKEN_EXPIRES = "TOKEN_EXPIRES", "channel's access token expires soon"
    DATA_ACCESS_EXPIRES = "DATA_ACCESS_EXPIRES", "channel's data access expires soon"
    PERMISSIONS_LOST = "PERMISSIONS_LOST", "channel lost permissions"
    UNAPPROVED = "UNAPPROVED", "is due soon and not approved"
    RULES = "RULES", "the organization's policy changed"
    REVERTED = "REVERTED", "was reverted after approval"
    DELETED = "DELETED", "was deleted after approval"
    WEBHOOK_STOPPED = "WEBHOOK_STOPPED", "webhook was stopped by its receiver"
    HELD = "HELD", "publishing is held after a restore"
    PAUSED = "PAUSED", "publishing was paused"
    TEST = "TEST", "test of a webhook"


class NotificationMedium(models.TextChoices):
    EMAIL = "EMAIL", "e-mail"
    WEBHOOK = "WEBHOOK", "webhook"


class DispatchState(models.TextChoices):
    PENDING = "PENDING", "pending"
    SENT = "SENT", "sent"
    FAILED = "FAILED", "failed"
    OBSOLETE = "OBSOLETE", "not needed"


class Webhook(models.Model):
    """A URL that an organization's notifications are sent to. `kinds` are the NoticeKinds that it subscribes to.

    After a rotation the previous secret signs as well until `previous_until`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="webhooks")
    url = models.CharField(max_length=2048)
    secret_encrypted = models.TextField(editable=False)
    previous_encrypted = models.TextField(blank=True, editable=False)
    previous_until = models.DateTimeField(null=True, editable=False)
    kinds = models.JSONField(default=list)
    active = models.BooleanField(default=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    def __str__(self) -> str:
        return self.url


class Notification(models.Model):
    """A notification, created in the transaction that records its audit event. `details` copies some of the event's."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="notices", db_index=False)
    kind = models.CharField(max_length=20, choices=NoticeKind)
    post_id = models.UUIDField(null=True)
    channel = models.ForeignKey(Channel, null=True, on_delete=models.CASCADE, related_name="+", db_index=False)
    details = models.JSONField(default=dict)
    dedupe_key = models.CharField(max_length=200, help_text="Unique per event and kind, so that it is created once.")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    fanned_out_at = models.DateTimeField(null=True, help_text="When its deliveries were created.")

    class Meta:
        # `unique=True` would add a second index, for LIKE.
        constraints = [models.UniqueConstraint(fields=["dedupe_key"], name="one_notice_per_key")]
        indexes = [
            models.Index(fields=["organization", "-created_at"], name="notice_list"),
            models.Index(fields=["created_at"], name="notice_unspread", condition=Q(fanned_out_at=None)),
            models.Index(fields=["post_id"], name="notice_unapproved", condition=Q(kind=NoticeKind.UNAPPROVED)),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.post_id or self.channel_id}"

    @property
    def both(self) -> bool:
        """Whether its post failed on one channel and has an unknown outcome on another."""
        return self.kind == NoticeKind.UNKNOWN and bool(self.details.get("absent"))

    @property
    def kinds(self) -> list[str]:
        """Its kinds; it is sent to subscribers of any of them."""
        if self.both:
            return [NoticeKind.UNKNOWN, NoticeKind.FAILED]
        return [NoticeKind.FAILED, NoticeKind.LATE] if self.details.get("late") else [self.kind]


class Event(models.Model):
    """What happened, as the API tells it: `document` is the object of GET /events and of webhooks, as it was then.

    Inserted in the transaction of the change. `position` orders the events of an organization; the next sweep assigns
    it, so that a reader who has seen a position never misses an earlier one. `channels` are the public ids that an API
    key needs to see it. `key` names what it was made from, so that it is recorded once.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    position = models.PositiveBigIntegerField(null=True)
    key = models.CharField(max_length=200)
    type = models.CharField(max_length=40)
    at = models.DateTimeField()
    channels = models.JSONField(default=list)
    document = CompressedJSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "position"], name="one_event_per_position"),
            models.UniqueConstraint(fields=["key"], name="one_event_per_key"),
        ]
        indexes = [models.Index(fields=["organization"], name="event_unnumbered", condition=Q(position=None))]

    def __str__(self) -> str:
        return f"{self.type} {self.key}"


class NotificationDelivery(models.Model):
    """A row of the outbox: one notification to one recipient. A PENDING row is sent at `retry_at`.

    A claimed row has `retry_at` in the future, `attempt_count` above 0 and no `last_error`.
    """

    notice = models.ForeignKey(Notification, on_delete=models.CASCADE, related_name="dispatches", db_index=False)
    means = models.CharField(max_length=10, choices=NotificationMedium)
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+", db_index=False)
    webhook = models.ForeignKey(Webhook, null=True, on_delete=models.CASCADE, related_name="dispatches", db_index=False)
    state = models.CharField(max_length=10, choices=DispatchState, default=DispatchState.PENDING)
    attempt_count = models.PositiveIntegerField(default=0)
    retry_at = models.DateTimeField(default=clock.now)
    sent_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["notice", "user"], name="one_mail_each"),
            models.UniqueConstraint(
                fields=["notice", "webhook"], condition=Q(webhook__isnull=False), name="one_call_each"
            ),
        ]
        indexes = [
            models.Index(fields=["retry_at"], name="dispatch_due", condition=Q(state=DispatchState.PENDING)),
            models.Index(fields=["webhook"], name="dispatch_webhook", condition=Q(webhook__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.means} of {self.notice_id}"
