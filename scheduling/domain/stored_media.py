"""Whether a post's image or video is stored with us. Without a stored copy it is neither approved nor published."""

from posts.models import MediaFile
from scheduling.domain.content import Content
from scheduling.domain.validation import infer_media_type
from scheduling.models import ScheduledPost

NOT_STORED = "The image or video could not be fetched and stored, so it cannot be reviewed or published"


def media_type_of(post: ScheduledPost) -> str | None:
    """Return IMAGE or VIDEO, None for a link or without media."""
    return infer_media_type(post.media, post.media_type, post.media_metadata.get("contentType"))


def is_link(post: ScheduledPost) -> bool:
    """Whether the post has no media to store: its address is a web page, or could not be fetched and may be one."""
    return media_type_of(post) is None and not post.media_metadata.get("unusable")


def lacks_stored_copy(post: ScheduledPost) -> bool:
    """Whether the post has an image or a video of which no copy is stored. Runs no query, for a carousel one."""
    if post.items:
        return any(item.media_file_id is None or not item.media_sha256 for item in post.items)
    return not is_link(post) and (post.media_file_id is None or not post.media_sha256)


def is_stored(post: ScheduledPost, content: Content) -> bool:
    """Whether the stored copies are those that `content` covers, or the post needs none. Needs `media_file` loaded."""
    if post.items or content.get("mediaItems"):
        covered = [item["mediaSha256"] for item in content["mediaItems"]]
        stored = [_is_own_copy(post, item.media_file, item.media_sha256) for item in post.items]
        return all(stored) and covered == [item.media_sha256 for item in post.items]
    if is_link(post):
        return True
    return _is_own_copy(post, post.media_file, content["mediaSha256"])


def _is_own_copy(post: ScheduledPost, media_file: MediaFile | None, sha256: str) -> bool:
    return media_file is not None and media_file.organization_id == post.organization_id and media_file.sha256 == sha256
