"""What kind of media a post carries, for showing it."""

from scheduling.domain.validation import infer_media_type
from scheduling.models import MediaType, ScheduledPost


def kind_of(post: ScheduledPost) -> str:
    """Return `image`, `video`, `link` (an address that is neither) or an empty string (no media)."""
    if not post.media:
        return ""
    inferred = infer_media_type(post.media, post.media_type)
    return {MediaType.IMAGE.value: "image", MediaType.VIDEO.value: "video"}.get(inferred or "", "link")
