"""What kind of media a post carries, for showing it."""

from scheduling.domain.validation import infer_media_type
from scheduling.models import MediaType, ScheduledPost


def kind_of(post: ScheduledPost) -> str:
    """Return `image`, `video`, `link` (an address that is neither) or an empty string (no media)."""
    return kind_at(post.media, post.media_type)


def kind_at(address: str | None, media_type: str | None = None) -> str:
    """Return the same for an address alone, going by its extension where nothing is declared."""
    if not address:
        return ""
    inferred = infer_media_type(address, media_type)
    return {MediaType.IMAGE.value: "image", MediaType.VIDEO.value: "video"}.get(inferred or "", "link")
