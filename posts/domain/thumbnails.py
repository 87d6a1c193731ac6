"""Small copies of the images of published posts, so that no page loads an address of the platform.

That of a post of our worker is made from the stored media: the address that its author named is not fetched again, and
may serve another picture by now.
"""

from datetime import timedelta

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models import Q, QuerySet

from accounts import clock
from posts.domain import media_store
from posts.graph import image_files
from posts.graph.media import MediaUnavailable, normalise, open_remote_media
from posts.models import MediaFile, PublishedPost

SIDE = 400  # pixels
LIFE = timedelta(days=90)
AT_ONCE = 20


def copy_missing() -> int:
    """Make the missing thumbnails of recent posts; return how many. Each post is tried once."""
    copied = 0
    for post in list(_untried()[:AT_ONCE]):
        untried = PublishedPost.objects.filter(pk=post.pk, thumbnail_tried_at=None)
        if untried.update(thumbnail_tried_at=clock.now()):
            copied += _copy(post)
    return copied


def delete_old() -> int:
    """Delete thumbnails after LIFE; return how many."""
    old = PublishedPost.objects.filter(thumbnail_tried_at__lt=clock.now() - LIFE).exclude(thumbnail="")
    return media_store.delete_each(list(old.values_list("pk", "thumbnail")), _delete)


def _delete(row: tuple[int, str]) -> bool:
    pk, name = row
    default_storage.delete(name)
    return bool(PublishedPost.objects.filter(pk=pk).update(thumbnail=""))


def _untried() -> QuerySet[PublishedPost]:
    imported = Q(scheduled_post_id=None, media_url__gt="") & ~Q(media_type="VIDEO")
    has_image = Q(media_sha256__gt="") | Q(thumbnail_url__gt="") | imported
    recent = PublishedPost.objects.filter(published_at__gte=clock.now() - LIFE, deleted_at=None)
    return recent.filter(has_image, thumbnail_tried_at=None).order_by("-published_at")


def _copy(post: PublishedPost) -> bool:
    data = _stored_image(post) if post.media_sha256 else _fetch_image(post.thumbnail_url or post.media_url or "")
    if data is None:
        return False
    small = image_files.shrink(data, SIDE)
    post.thumbnail.save(f"{post.organization_id}/{post.pk}.jpg", ContentFile(small), save=False)
    PublishedPost.objects.filter(pk=post.pk).update(thumbnail=post.thumbnail.name)
    return True


def _stored_image(post: PublishedPost) -> bytes | None:
    """Return the image of the media that our worker published; None for a video without one, and for lost media."""
    media_file = MediaFile.objects.filter(organization=post.organization_id, sha256=post.media_sha256).first()
    return media_store.read_image(media_file) if media_file else None


def _fetch_image(url: str) -> bytes | None:
    """Return the image at an address of the platform; None when there is none."""
    try:
        with open_remote_media(url) as fetched:
            made = normalise(fetched.file, fetched.size, fetched.sha256)
            return made.poster or (None if made.facts.kind == "VIDEO" else made.file.read())
    except MediaUnavailable:
        return None
