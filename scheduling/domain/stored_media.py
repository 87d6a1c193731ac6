"""Whether a post's image or video is stored with us. Without a stored copy it is neither approved nor published."""

from scheduling.domain.content import Content
from scheduling.domain.validation import infer_media_type
from scheduling.models import ScheduledPost

NOT_STORED = "The image or video could not be fetched and stored, so it cannot be reviewed or published"


def media_type_of(post: ScheduledPost) -> str | None:
    """Return IMAGE or VIDEO, None for a link or without media."""
    return infer_media_type(post.media, post.media_type, post.media_metadata.get("contentType"))


def lacks_stored_copy(post: ScheduledPost) -> bool:
    """Whether the post has an image or a video of which no copy is stored. Runs no query."""
    return media_type_of(post) is not None and (post.media_file_id is None or not post.media_sha256)


def is_stored(post: ScheduledPost, content: Content) -> bool:
    """Whether the stored copy is the one that `content` covers, or the post needs none. Needs `media_file` loaded."""
    if media_type_of(post) is None:
        return True
    stored = post.media_file
    return (
        stored is not None
        and stored.organization_id == post.organization_id
        and stored.sha256 == content["mediaSha256"]
    )
