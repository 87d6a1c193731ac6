"""Channels, superpower templates, published posts with their counters, and the state of each channel's sync."""

import uuid
from typing import Any

from django.db import models

from accounts import clock, encryption
from accounts.models import Organization, User


class ChannelType(models.TextChoices):
    FB_PAGE = "FB_PAGE", "Facebook Page"
    INSTAGRAM_ACCOUNT = "INSTAGRAM_ACCOUNT", "Instagram account"


class ChannelState(models.TextChoices):
    CONNECTED = "CONNECTED", "Connected"
    NEEDS_RECONNECT = "NEEDS_RECONNECT", "Needs reconnecting"
    BLOCKED = "BLOCKED", "Blocked by the platform"
    DISCONNECTED = "DISCONNECTED", "Disconnected"


class Channel(models.Model):
    """A connected Facebook Page or Instagram account. `public_id` is its id in the API."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="channels")
    public_id = models.CharField(max_length=60, editable=False)
    type = models.CharField(max_length=20, choices=ChannelType)
    platform_id = models.CharField(max_length=32, help_text="The id on the platform: digits.")
    name = models.CharField(max_length=200)
    token_encrypted = models.TextField(editable=False)
    state = models.CharField(max_length=20, choices=ChannelState, default=ChannelState.CONNECTED, editable=False)
    state_reason = models.CharField(max_length=300, blank=True, editable=False)
    connected_at = models.DateTimeField(default=clock.now, editable=False)
    connected_by_meta_user = models.CharField(  # noqa: DJ001  null: a pasted token, or deleted at the user's request
        max_length=40,
        null=True,
        db_index=True,
        editable=False,
        help_text="The app-scoped id of the Facebook user whose login gave the token; for Meta's callbacks.",
    )
    webhooks_at = models.DateTimeField(
        null=True, editable=False, help_text="When the platform last accepted the subscription to its webhooks."
    )
    webhooks_problem = models.CharField(
        max_length=300,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="Why the last subscription was refused.",
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "public_id"], name="one_channel_each")]
        indexes = [models.Index(fields=["organization", "name", "public_id"], name="channel_list")]

    def __str__(self) -> str:
        return self.name

    @property
    def token(self) -> str:
        """The decrypted access token. Never log or show it."""
        return encryption.decrypt(self.token_encrypted)


class DataDeletion(models.Model):
    """A completed data deletion request of a Facebook user, by its confirmation code. It does not name the user."""

    code = models.CharField(primary_key=True, max_length=40)
    completed_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.code


class FacebookLogin(models.Model):
    """A person's answer in the dialog of Facebook Login, until the channels are chosen, LOGIN_LIFE at most.

    `nonce` is that of the state, which is used once. `answer_encrypted` is JSON with the tokens of the Pages, empty
    before the exchange and after the channels were connected. `channel` is the one to connect again, if any.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    channel = models.ForeignKey(Channel, null=True, on_delete=models.SET_NULL, related_name="+")
    nonce = models.CharField(max_length=64, unique=True)
    answer_encrypted = models.TextField(blank=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, db_index=True)

    def __str__(self) -> str:
        return f"Facebook login {self.pk}"


class SuperpowerTemplate(models.Model):
    """An organization's reusable superpower; `document` is the API's object without the two template fields."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="superpower_templates")
    name = models.CharField(max_length=200)
    lookup_hashtag = models.CharField(max_length=200, editable=False)
    document = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "lookup_hashtag"], name="one_template_per_hashtag")
        ]

    def __str__(self) -> str:
        return self.name

    def as_wire(self) -> dict[str, Any]:
        return {**self.document, "creativeTemplateId": str(self.id), "creativeTemplateName": self.name}


class PostType(models.TextChoices):
    POST = "POST", "Post"
    REEL = "REEL", "Reel"
    STORY = "STORY", "Story"


class MediaKind(models.TextChoices):
    IMAGE = "IMAGE", "Image"
    VIDEO = "VIDEO", "Video"


def media_file_name(media_file: "MediaFile", name: str) -> str:
    """Return the storage name of a media file; `name` is that of the saved content, "<sha256>.<extension>"."""
    return f"media/{media_file.organization_id}/{name}"


class MediaFile(models.Model):
    """An image or a video, stored once per organization: the only copy that is shown, uploaded and served.

    `sha256` is that of the stored bytes, `source_sha256` that of the file that was fetched or uploaded. `changes` are
    sentences that state how the two differ. `poster` is a small JPEG: of a large image, or of a video's first frame.
    `size` in bytes, `width` and `height` in pixels. `used_at`: when a post last referred to it, as far as the daily
    deletion of unused files has seen.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # No index of its own: that of the constraint begins with it.
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="media_files", db_index=False)
    sha256 = models.CharField(max_length=64)
    source_sha256 = models.CharField(max_length=64)
    file = models.FileField(upload_to=media_file_name, max_length=200)
    poster = models.FileField(upload_to=media_file_name, max_length=200, blank=True)
    kind = models.CharField(max_length=10, choices=MediaKind)
    content_type = models.CharField(max_length=40)
    size = models.PositiveBigIntegerField()
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    seconds = models.FloatField(null=True)
    changes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=clock.now)
    used_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "sha256"], name="one_media_file_per_hash")]
        indexes = [
            models.Index(fields=["organization", "source_sha256"], name="media_file_source"),
            models.Index(fields=["used_at"], name="media_file_used"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.sha256[:12]}"


def thumbnail_name(_: "PublishedPost", name: str) -> str:
    return f"thumbnails/{name}"


class PublishedPost(models.Model):
    """A post that is published on one channel: a copy of the platform's data, which users do not edit.

    A value that the platform did not return is null. `platform_id` is the post's id in the API.
    """

    # No indexes of their own: those of the lists and of the constraint begin with the same columns.
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="published_posts", db_index=False)
    platform_id = models.CharField(max_length=100)
    type = models.CharField(max_length=10, choices=PostType, default=PostType.POST)
    caption = models.TextField(null=True)  # noqa: DJ001  null: the platform returned no value
    media_url = models.TextField(null=True)  # noqa: DJ001
    media_type = models.CharField(max_length=10, null=True)  # noqa: DJ001
    thumbnail_url = models.TextField(null=True)  # noqa: DJ001
    thumbnail = models.FileField(upload_to=thumbnail_name, max_length=200, blank=True, help_text="Our small copy.")
    thumbnail_tried_at = models.DateTimeField(null=True, help_text="When a worker last tried to copy the thumbnail.")
    permalink = models.TextField(null=True)  # noqa: DJ001
    published_at = models.DateTimeField()
    likes = models.PositiveBigIntegerField(null=True)
    comments = models.PositiveBigIntegerField(null=True)
    shares = models.PositiveBigIntegerField(null=True)
    reactions = models.JSONField(null=True)
    reactions_total = models.PositiveBigIntegerField(null=True)
    superpower = models.JSONField(null=True)
    scheduled_post_id = models.UUIDField(null=True, help_text="The scheduled post that it came from.")
    media_sha256 = models.CharField(
        max_length=64, blank=True, default="", db_default="", help_text="Of the media that our worker published."
    )
    imported_at = models.DateTimeField(default=clock.now, help_text="When the platform last returned it.")
    missing_since = models.DateTimeField(null=True, help_text="When the platform first refused it (100/33).")
    deleted_at = models.DateTimeField(null=True, help_text="When it was found to be deleted on the platform.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "platform_id"], name="one_copy_each")]
        indexes = [
            models.Index(fields=["organization", "-published_at", "-platform_id"], name="published_merged"),
            models.Index(
                fields=["organization", "type", "-published_at", "-platform_id"], name="published_merged_type"
            ),
            models.Index(fields=["channel", "-published_at", "-platform_id"], name="published_by_channel"),
            models.Index(fields=["channel", "type", "-published_at", "-platform_id"], name="published_channel_type"),
        ]

    def __str__(self) -> str:
        return self.platform_id


class ChannelSync(models.Model):
    """State of a channel's sync. Only the run that has the lease writes it.

    A walk reads the platform's listings (`phase`) from the newest post to `since`, or to the end. Its position is saved
    with the posts of each page, so that the next run continues there after a crash.

    depth           name of the current walk: 7d, 30d, 1y or all; empty without one
    cursor, until   where the listing continues; oldest_seen_at: the time of the oldest post so far
    page_size, excluded_fields   posts per request, and the field groups that the platform refused
    total           expected number of posts, if known; read_count, created_count, deleted_count: of this walk
    done            by name of the walk: when the last finished one was started
    """

    channel = models.OneToOneField(Channel, primary_key=True, on_delete=models.CASCADE, related_name="sync")
    depth = models.CharField(max_length=4, blank=True)
    since = models.DateTimeField(null=True)
    phase = models.CharField(max_length=20, blank=True)
    cursor = models.TextField(blank=True)
    until = models.DateTimeField(null=True)
    oldest_seen_at = models.DateTimeField(null=True)
    page_size = models.PositiveSmallIntegerField(null=True)
    excluded_fields = models.JSONField(default=list)
    total = models.PositiveIntegerField(null=True)
    read_count = models.PositiveIntegerField(default=0)
    created_count = models.PositiveIntegerField(default=0)
    deleted_count = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    complete_at = models.DateTimeField(null=True, help_text="When a walk last reached the end of the listings.")
    done = models.JSONField(default=dict)
    next_at = models.DateTimeField(default=clock.now, db_index=True)
    failures = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=500, blank=True)
    lease_id = models.UUIDField(null=True)
    lease_expires_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"sync of {self.channel_id}"
