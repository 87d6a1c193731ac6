"""What a channel takes: the numbers of `validation`, of the media store and of the checks, by type of post.

null is no limit that Dynamo or the platform documents.
"""

from datetime import timedelta
from typing import Any

from accounts import clock
from accounts.datetimes import format_datetime
from posts.graph.image_files import FORMATS
from posts.graph.media import EXTENSIONS, VIDEO_BYTES
from posts.models import Channel, ChannelType, PostType, PublishedPost
from scheduling.domain import validation
from scheduling.domain.preflight.media import SECONDS
from scheduling.models import ChannelCheck, MediaType

DAY = timedelta(days=1)
IMAGE_FORMATS = [f"image/{name.lower()}" for name in FORMATS]  # each becomes a JPEG
VIDEO_FORMATS = [name for name in EXTENSIONS if name.startswith("video/")]
IMAGE, VIDEO = MediaType.IMAGE.value, MediaType.VIDEO.value


def capabilities(channel_type: str) -> dict[str, Any]:
    """Return `{"types": {…}}` of a channel type. A type of post that is missing cannot be published there."""
    types = [PostType.POST, PostType.REEL]
    if channel_type == ChannelType.INSTAGRAM_ACCOUNT:
        types.append(PostType.STORY)
    return {"types": {post_type.value: _post_type(channel_type, post_type) for post_type in types}}


def _post_type(channel_type: str, post_type: PostType) -> dict[str, Any]:
    instagram = channel_type == ChannelType.INSTAGRAM_ACCOUNT
    carousel: dict[str, Any] | None = None
    if post_type == PostType.POST:
        kinds = [IMAGE, VIDEO] if instagram else [IMAGE]
        carousel = {"items": list(validation.CAROUSEL_ITEMS), "media": kinds}
    return {
        "media": _media(channel_type, post_type, carousel["media"] if carousel else []),
        "caption": {
            "required": True,
            "characters": validation.INSTAGRAM_CAPTION if instagram else validation.FACEBOOK_CAPTION,
            "hashtags": validation.INSTAGRAM_HASHTAGS if instagram else None,
            "mentions": validation.INSTAGRAM_MENTIONS if instagram else None,
        },
        "altText": validation.ALT_TEXT if post_type == PostType.POST else None,
        "isAiGenerated": instagram,
        "carousel": carousel,
    }


def _media(channel_type: str, post_type: PostType, in_carousel: list[str]) -> dict[str, Any]:
    instagram = channel_type == ChannelType.INSTAGRAM_ACCOUNT
    most = validation.CAROUSEL_ITEMS[1]
    video = {
        "count": [1 if post_type == PostType.REEL else 0, most if VIDEO in in_carousel else 1],
        "bytes": validation.INSTAGRAM_VIDEO_BYTES if instagram else VIDEO_BYTES,
        "ratio": None,
        "formats": VIDEO_FORMATS,
        "seconds": list(SECONDS[channel_type, post_type]) if (channel_type, post_type) in SECONDS else None,
    }
    if post_type == PostType.REEL:
        return {VIDEO: video}
    has_ratio = instagram and post_type == PostType.POST
    image = {
        "count": [0, most if IMAGE in in_carousel else 1],
        "bytes": validation.INSTAGRAM_IMAGE_BYTES if instagram else validation.FACEBOOK_IMAGE_BYTES,
        "ratio": list(validation.INSTAGRAM_RATIOS) if has_ratio else None,
        "formats": IMAGE_FORMATS,
    }
    return {IMAGE: image, VIDEO: video}


def quota(channel: Channel) -> dict[str, Any] | None:
    """Return the posts of the last 24 hours by the channel's last check; None where the platform reports none.

    `resetsAt` is when the oldest of them that is known here leaves the window.
    """
    check = ChannelCheck.objects.filter(channel=channel, quota_used__isnull=False, quota_total__isnull=False).first()
    if check is None:
        return None
    recent = PublishedPost.objects.filter(channel=channel, published_at__gt=clock.now() - DAY)
    oldest = recent.order_by("published_at").values_list("published_at", flat=True).first()
    resets_at = format_datetime(oldest + DAY) if oldest else None
    return {"used": check.quota_used, "total": check.quota_total, "resetsAt": resets_at}
