"""Scheduled posts with their deliveries (one per channel), approvals and attempts."""

import uuid
from datetime import timedelta
from functools import cached_property
from typing import Any

from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from accounts import clock
from accounts.models import ApiKey, Membership, Organization, User
from posts.models import Channel, MediaFile, PostType
from scheduling.lifecycle import NEEDS_APPROVAL, Lifecycle, Status


class MediaType(models.TextChoices):
    IMAGE = "IMAGE", "Image"
    VIDEO = "VIDEO", "Video"


TAKING_BACK = ("revert", "delete")  # refused while a channel is or may be published


class ScheduledPostQuerySet(models.QuerySet["ScheduledPost"]):
    def for_wire(self) -> "ScheduledPostQuerySet":
        """Load what the API representation and the review page show, in three queries for any number of posts."""
        deliveries = models.Prefetch(
            "deliveries", Delivery.objects.select_related("channel").order_by("channel__public_id")
        )
        return self.select_related(
            "organization", "created_by_user", "created_by_key", "last_edited_by_user", "last_edited_by_key"
        ).prefetch_related(deliveries, "media_items")

    def due(self, within: float = 0.0) -> "ScheduledPostQuerySet":
        """Return the SCHEDULED posts whose time is at most `within` seconds away, soonest first."""
        until = clock.now() + timedelta(seconds=within)
        return self.filter(status=Status.SCHEDULED, scheduled_for__lte=until).order_by("scheduled_for")

    def not_paused(self) -> "ScheduledPostQuerySet":
        """Leave out the posts of organizations whose publishing is paused."""
        return self.filter(organization__publishing_paused_at=None)

    def visible_to_key(self, key: ApiKey | None) -> "ScheduledPostQuerySet":
        """Return the posts all of whose channels `key` may use; all posts without a key or a restriction.

        A post on two channels, of which the key has one, is not visible: what the key reads, submits or reverts would
        concern the other channel as well. Drafts without a channel are visible.
        """
        if key is None or key.channels is None:
            return self
        other = Delivery.objects.filter(post=OuterRef("pk")).exclude(channel__public_id__in=key.channels)
        return self.exclude(Exists(other))


class ScheduledPost(Lifecycle):
    """A post: one media URL or several, one scheduled time, one caption per channel (its deliveries).

    `media` is what the client named. `media_file` is our copy of it, which is shown and published; `media_sha256` is
    its hash, empty for a link, whose page `media_metadata["link"]` and `link_image` describe.
    A carousel has `media_count` rows in `media_items`; the columns of the media are then copies of the first item's,
    except `media_checked_at`, which is set when every item was inspected, and `alt_text`, which is of a single image.
    `version` counts changes of content. `task_id` is the pending publish task's, set only while SCHEDULED.
    `notes` are those of the last rejection, null from the next submit; `last_review` keeps them.
    `last_edited_by_*` changed the content last, for display; `authors` are all who wrote it.
    `lease_id`, `lease_expires_at`: the worker run that may act on a PUBLISHING post, and until when.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="scheduled_posts", db_index=False
    )
    type = models.CharField(max_length=10, choices=PostType, default=PostType.POST)
    media = models.CharField(max_length=2048, null=True, blank=True)  # noqa: DJ001  null in the API
    media_type = models.CharField(max_length=10, choices=MediaType, null=True, blank=True)  # noqa: DJ001
    media_file = models.ForeignKey(
        MediaFile, null=True, on_delete=models.RESTRICT, related_name="scheduled_posts", editable=False
    )
    link_image = models.ForeignKey(
        MediaFile, null=True, on_delete=models.SET_NULL, related_name="linking_posts", editable=False, db_index=False
    )
    media_sha256 = models.CharField(max_length=64, blank=True, editable=False)
    media_metadata = models.JSONField(default=dict, editable=False)
    media_checked_at = models.DateTimeField(null=True, editable=False)
    media_count = models.PositiveSmallIntegerField(
        default=0, db_default=0, editable=False, help_text="0 without `media_items`."
    )
    alt_text = models.TextField(
        blank=True, default="", db_default="", help_text="Describes a single image to people who do not see it."
    )
    is_ai_generated = models.BooleanField(
        default=False, db_default=False, help_text="Whether the platform labels it as made with AI."
    )
    check_level = models.CharField(
        max_length=8, blank=True, editable=False, help_text="Level of the worst check; empty before the first check."
    )
    check_level_at = models.DateTimeField(null=True, editable=False)
    scheduled_for = models.DateTimeField(null=True, blank=True)
    notes = models.TextField(null=True, blank=True)  # noqa: DJ001  null in the API
    last_review = models.JSONField(null=True, editable=False, help_text="The last decision, as the API returns it.")
    external_id = models.CharField(  # noqa: DJ001  null is not compared
        max_length=200, null=True, blank=True, help_text="The client's own id. Unique in the organization."
    )
    metadata = models.JSONField(
        default=dict, db_default={}, blank=True, help_text="The client's own texts by name. Never published."
    )
    brief = models.TextField(null=True, blank=True, help_text="For the reviewer: why, sources, risk. Never published.")  # noqa: DJ001  null in the API

    created_by_user = models.ForeignKey(
        User, null=True, on_delete=models.PROTECT, related_name="+", editable=False, db_index=False
    )
    created_by_key = models.ForeignKey(
        ApiKey, null=True, on_delete=models.PROTECT, related_name="+", editable=False, db_index=False
    )
    last_edited_by_user = models.ForeignKey(
        User, null=True, on_delete=models.PROTECT, related_name="+", editable=False, db_index=False
    )
    last_edited_by_key = models.ForeignKey(
        ApiKey, null=True, on_delete=models.PROTECT, related_name="+", editable=False, db_index=False
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(default=clock.now, editable=False)

    approval = models.ForeignKey("Approval", null=True, on_delete=models.RESTRICT, related_name="+", editable=False)
    task_id = models.UUIDField(null=True, editable=False)
    enqueued_at = models.DateTimeField(null=True, editable=False)
    lease_id = models.UUIDField(null=True, editable=False)
    lease_expires_at = models.DateTimeField(null=True, editable=False)
    failure_reason = models.CharField(max_length=300, blank=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(status__in=NEEDS_APPROVAL) | Q(approval__isnull=False),
                name="nothing_goes_out_unapproved",
            ),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="known_status"),
            models.UniqueConstraint(
                fields=["organization", "external_id"],
                condition=Q(external_id__isnull=False),
                name="one_post_per_external_id",
            ),
        ]
        # Those with the condition of a status are what the sweep reads: they are as small as the work that is left.
        indexes = [
            models.Index(fields=["organization", "scheduled_for", "id"], name="scheduled_list"),
            # The API's list: what is published comes first by time, and a list of the others would read all of it.
            models.Index(
                fields=["organization", "scheduled_for", "id"],
                name="scheduled_unpublished",
                condition=~Q(status=Status.PUBLISHED),
            ),
            models.Index(fields=["organization", "status", "scheduled_for", "id"], name="scheduled_queue"),
            models.Index(fields=["organization", "updated_at"], name="scheduled_updated"),
            models.Index(
                fields=["created_by_user"], name="scheduled_by_user", condition=Q(created_by_user__isnull=False)
            ),
            models.Index(fields=["created_by_key"], name="scheduled_by_key", condition=Q(created_by_key__isnull=False)),
            models.Index(fields=["link_image"], name="scheduled_link_image", condition=Q(link_image__isnull=False)),
            models.Index(fields=["task_id"], name="scheduled_task", condition=Q(task_id__isnull=False)),
            models.Index(fields=["scheduled_for"], name="scheduled_due", condition=Q(status=Status.SCHEDULED)),
            models.Index(
                fields=["scheduled_for"],
                name="scheduled_not_enqueued",
                condition=Q(status=Status.SCHEDULED, enqueued_at=None),
            ),
            models.Index(
                fields=["scheduled_for"], name="scheduled_waiting", condition=Q(status=Status.WAITING_FOR_APPROVAL)
            ),
            models.Index(
                fields=["scheduled_for"],
                name="scheduled_not_inspected",
                condition=Q(status=Status.WAITING_FOR_APPROVAL, media_checked_at=None),
            ),
            models.Index(
                fields=["organization", "media_sha256"], name="scheduled_media", condition=~Q(media_sha256="")
            ),
            models.Index(
                fields=["check_level_at"], name="scheduled_checks", condition=Q(status=Status.WAITING_FOR_APPROVAL)
            ),
            models.Index(fields=["lease_expires_at"], name="scheduled_leases", condition=Q(status=Status.PUBLISHING)),
        ]

    objects = ScheduledPostQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.get_status_display()} {self.id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert, or update named columns. Raises TypeError for an update of the status or without names."""
        if not self._state.adding:
            named = set(kwargs.get("update_fields") or ())
            if not named or "status" in named:
                raise TypeError("Name update_fields, without status, which Lifecycle.apply_transition writes.")
        super().save(*args, **kwargs)

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        vars(self).pop("items", None)
        super().refresh_from_db(*args, **kwargs)

    @cached_property
    def items(self) -> "list[MediaItem]":
        """The media of a carousel in order, with their stored copies; empty for a post without several media."""
        return list(self.media_items.all()) if self.media_count else []

    def allowed_actions(self) -> list[str]:
        """Extend Lifecycle: a post that is or may be published on a channel is neither reverted nor deleted."""
        actions = super().allowed_actions()
        if self.channels_that_may_show_it():
            return [action for action in actions if action not in TAKING_BACK]
        return actions

    def channels_that_may_show_it(self) -> list[str]:
        """Return the names of the channels on which the post is or may be published. No query before an approval."""
        if self.status not in {Status.SCHEDULED, Status.FAILED}:
            return []
        rows = Delivery.objects.that_may_be_published().filter(post=self)
        return list(rows.order_by("channel__name").values_list("channel__name", flat=True))

    def refusal_reason(self, verb: str) -> str:
        names = self.channels_that_may_show_it() if verb in TAKING_BACK else []
        return f"it is or may be published on {' and '.join(names)}" if names else ""

    @property
    def approved_digest(self) -> str:
        """The digest of the content that the present approval covers; empty without one."""
        return self.approval.digest if self.approval else ""


class MediaItemManager(models.Manager["MediaItem"]):
    def get_queryset(self) -> models.QuerySet["MediaItem"]:
        return super().get_queryset().select_related("media_file").order_by("position")


class MediaItem(models.Model):
    """One of the two to ten media of a carousel. Its columns mean what those of the post's media mean."""

    post = models.ForeignKey(ScheduledPost, on_delete=models.CASCADE, related_name="media_items", db_index=False)
    position = models.PositiveSmallIntegerField(help_text="From 0.")
    media = models.CharField(max_length=2048)
    media_type = models.CharField(max_length=10, choices=MediaType, null=True)  # noqa: DJ001  null in the API
    media_file = models.ForeignKey(MediaFile, null=True, on_delete=models.RESTRICT, related_name="carousel_items")
    media_sha256 = models.CharField(max_length=64, blank=True)
    media_metadata = models.JSONField(default=dict)
    media_checked_at = models.DateTimeField(null=True)
    alt_text = models.TextField(blank=True)

    objects = MediaItemManager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["post", "position"], name="one_media_item_per_position")]
        indexes = [models.Index(fields=["media_sha256"], name="media_item_hash", condition=~Q(media_sha256=""))]

    def __str__(self) -> str:
        return f"{self.post_id} #{self.number}"

    @property
    def number(self) -> int:
        """The position as people count, from 1."""
        return self.position + 1


class PostAuthor(models.Model):
    """A person or an API key that wrote content of the post. A row is never removed while the post exists."""

    post = models.ForeignKey(ScheduledPost, on_delete=models.CASCADE, related_name="authors", db_index=False)
    user = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    key = models.ForeignKey(ApiKey, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["post", "user"], name="one_author_per_user"),
            models.UniqueConstraint(fields=["post", "key"], condition=Q(key__isnull=False), name="one_author_per_key"),
            models.CheckConstraint(
                condition=Q(user=None, key__isnull=False) | Q(user__isnull=False, key=None),
                name="author_is_user_or_key",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user or self.key} wrote {self.post_id}"


class DeliveryState(models.TextChoices):
    PENDING = "PENDING", "pending"
    STAGED = "STAGED", "staged"
    PUBLISHED = "PUBLISHED", "published"
    FAILED = "FAILED", "failed"
    UNKNOWN = "UNKNOWN", "unknown"


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def that_may_be_published(self) -> "DeliveryQuerySet":
        """Return the deliveries that are published, or whose last publishing call has no known outcome."""
        unanswered = Attempt.objects.filter(delivery=OuterRef("pk"), outcome__in=("", Outcome.UNKNOWN))
        published = Q(state__in=(DeliveryState.PUBLISHED, DeliveryState.UNKNOWN))
        return self.filter(published | Exists(unanswered))


class Delivery(models.Model):
    """A scheduled post on one channel: its caption and its outcome.

    `state` is empty until publishing begins. `staged` holds the ids that the platform returned before the commit.
    `lost_since`: from when on a copy of the database that is lost may have published it; null once it was read back.
    """

    post = models.ForeignKey(ScheduledPost, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="deliveries")
    caption = models.TextField(blank=True)
    caption_hash = models.CharField(max_length=64, blank=True, editable=False, help_text="See content.caption_hash.")
    superpower = models.JSONField(null=True)
    lookup_hashtag = models.CharField(max_length=200, null=True)  # noqa: DJ001  null never collides

    state = models.CharField(max_length=10, choices=DeliveryState, blank=True)
    staged = models.JSONField(default=dict)
    staged_digest = models.CharField(max_length=64, blank=True, help_text="The digest that `staged` was made from.")
    staged_at = models.DateTimeField(null=True)
    attempt_count = models.PositiveIntegerField(default=0)
    retry_at = models.DateTimeField(null=True)
    absence_count = models.PositiveIntegerField(default=0, help_text="Spaced read-backs that did not find it.")
    lost_since = models.DateTimeField(null=True, editable=False)
    platform_post_id = models.CharField(max_length=100, blank=True)
    permalink = models.TextField(blank=True)
    published_at = models.DateTimeField(null=True)
    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.CharField(max_length=500, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["post", "channel"], name="one_delivery_per_channel"),
            models.UniqueConstraint(
                fields=["organization", "lookup_hashtag"],
                condition=Q(lookup_hashtag__isnull=False),
                name="one_delivery_per_hashtag",
            ),
            # Two deliveries with the same caption and unknown outcomes must not both read back the same published post.
            models.UniqueConstraint(
                fields=["channel", "platform_post_id"], condition=~Q(platform_post_id=""), name="one_claim_per_post"
            ),
        ]
        indexes = [
            models.Index(fields=["channel", "caption_hash"], name="delivery_caption", condition=~Q(caption_hash="")),
            # By -id as an expression, which the primary key cannot serve: PostgreSQL would walk it from its end, over
            # all that is scheduled.
            models.Index(
                F("channel"), -F("id"), name="delivery_latest", condition=Q(state__in=["PUBLISHED", "FAILED"])
            ),
            models.Index(fields=["post"], name="delivery_unknown", condition=Q(state=DeliveryState.UNKNOWN)),
            models.Index(
                fields=["published_at"],
                name="delivery_without_link",
                condition=Q(state=DeliveryState.PUBLISHED, permalink=""),
            ),
            models.Index(
                fields=["published_at"],
                name="delivery_without_id",
                condition=Q(state=DeliveryState.PUBLISHED, platform_post_id=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.post_id} on {self.channel_id}"


class Approval(models.Model):
    """A person's approval of one content: who, when, from which session, which digest, and the checks on the page.

    Only `scheduling.domain.review` creates one, and only for a Reviewer. It is good for one publish: the claim refuses
    an approval that has attempts. It is void once revoked.
    """

    post = models.ForeignKey(ScheduledPost, on_delete=models.CASCADE, related_name="approvals")
    reviewer = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    membership = models.ForeignKey(Membership, null=True, on_delete=models.SET_NULL, related_name="+")
    session = models.CharField(max_length=64, help_text="SHA-256 of the session's key.")
    mfa_verified = models.BooleanField(default=False, help_text="Whether the session was verified with MFA.")
    version = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    content = models.JSONField(help_text="The canonical content that the digest covers.")
    checks = models.JSONField(default=list, help_text="The checks on the reviewer's page.")
    first_approval = models.ForeignKey(
        "self",
        null=True,
        on_delete=models.RESTRICT,
        related_name="+",
        db_index=False,
        help_text="Where two approvals are required: the earlier approval of the same digest by another person.",
    )
    created_at = models.DateTimeField(default=clock.now)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["first_approval"], name="approval_second", condition=Q(first_approval__isnull=False))
        ]

    def __str__(self) -> str:
        return f"{self.reviewer} approved {self.digest[:12]}"


class Outcome(models.TextChoices):
    PUBLISHED = "published", "published"
    REFUSED = "refused", "refused"
    UNKNOWN = "unknown", "unknown"


class Attempt(models.Model):
    """A row inserted before each publishing call; its outcome is written after. No outcome: the worker was killed.

    `platform_at` is `started_at` by the platform's clock, where the worker knew it.
    """

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempts", db_index=False)
    approval = models.ForeignKey(Approval, on_delete=models.CASCADE, related_name="attempts")
    lease_id = models.UUIDField()
    started_at = models.DateTimeField(default=clock.now)
    platform_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.CharField(max_length=500, blank=True)

    class Meta:
        indexes = [models.Index(fields=["delivery", "-id"], name="attempt_latest")]

    def __str__(self) -> str:
        return f"{self.delivery_id} {self.outcome or 'open'}"


class Discard(models.Model):
    """Objects that a delivery staged and that are to be deleted at the platform, unless they are published.

    Without foreign keys to the post and the delivery, which may be deleted. `staged` is the delivery's. `recorded`:
    whether the audit log has the event. `retry_at` is the time of the next try until `done_at` is set.
    """

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="+")
    post_id = models.UUIDField()
    delivery_id = models.BigIntegerField()
    staged = models.JSONField()
    recorded = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=clock.now)
    retry_at = models.DateTimeField(default=clock.now)
    done_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["retry_at"], name="discard_due", condition=Q(done_at=None)),
            models.Index(fields=["done_at"], name="discard_done", condition=Q(done_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"staged for {self.post_id} on {self.channel_id}"
