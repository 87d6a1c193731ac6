"""Small copies of the images of imported posts, so that no page loads an address of the platform."""

from datetime import timedelta

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models import Q, QuerySet

from accounts import clock
from posts.graph import image_files
from posts.graph.media import MediaUnavailable, normalise, open_remote_media
from posts.models import PublishedPost

SIDE = 400  # pixels
LIFE = timedelta(days=90)
AT_ONCE = 20
DELETED_AT_ONCE = 500


def copy_missing() -> int:
    """Copy the images of recent imported posts that have none yet; return how many. Each is tried once."""
    copied = 0
    for post in list(_untried()[:AT_ONCE]):
        untried = PublishedPost.objects.filter(pk=post.pk, thumbnail_tried_at=None)
        if untried.update(thumbnail_tried_at=clock.now()):
            copied += _copy(post)
    return copied


def delete_old() -> int:
    """Delete thumbnails after LIFE; return how many."""
    old = PublishedPost.objects.filter(thumbnail_tried_at__lt=clock.now() - LIFE).exclude(thumbnail="")
    rows = list(old.values_list("pk", "thumbnail")[:DELETED_AT_ONCE])
    PublishedPost.objects.filter(pk__in=[pk for pk, _ in rows]).update(thumbnail="")
    for _, name in rows:
        default_storage.delete(name)
    return len(rows)


def _untried() -> QuerySet[PublishedPost]:
    has_image = Q(thumbnail_url__gt="") | (Q(media_url__gt="") & ~Q(media_type="VIDEO"))
    recent = PublishedPost.objects.filter(published_at__gte=clock.now() - LIFE, deleted_at=None)
    return recent.filter(has_image, thumbnail_tried_at=None).order_by("-published_at")


def _copy(post: PublishedPost) -> bool:
    try:
        with open_remote_media(post.thumbnail_url or post.media_url or "") as fetched:
            made = normalise(fetched.file, fetched.size, fetched.sha256)
            data = made.poster or made.file.read()
    except MediaUnavailable:
        return False
    if made.facts.kind == "VIDEO" and not made.poster:
        return False
    small = image_files.shrink(data, SIDE)
    post.thumbnail.save(f"{post.organization_id}/{post.pk}.jpg", ContentFile(small), save=False)
    PublishedPost.objects.filter(pk=post.pk).update(thumbnail=post.thumbnail.name)
    return True
