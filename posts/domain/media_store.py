"""The media store: one normalised copy of each image and video, in Django's default storage.

What is stored here is what reviewers see, what Facebook receives and what Instagram fetches. The address that a client
named is read once, by `inspect`.
"""

import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import IO, Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import Min, Q, QuerySet, Sum
from django.urls import reverse

from accounts import clock
from accounts.exceptions import TooLarge
from accounts.models import Organization
from posts.graph import link_page
from posts.graph.image_files import IMAGE_BYTES
from posts.graph.media import (
    CONTENT_TYPES,
    VIDEO_BYTES,
    MediaUnavailable,
    NormalisedMedia,
    NotMedia,
    UnusableMedia,
    file_sha256,
    normalise,
    open_remote_media,
)
from posts.graph.video_files import UnusableVideo, video_type
from posts.models import MediaFile

log = logging.getLogger(__name__)
ORPHAN_AGE = timedelta(days=7)
NOT_STORED_ANY_MORE = "The uploaded file is not stored here any more"
MAX_FAILURES = 10  # of the storage in one run: a bucket that does not answer takes up to 30 s each time
STABLE_PATH = re.compile(r"/media-files/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# The reverse of the foreign keys that posts have to media files.
IN_USE = Q(scheduled_posts__isnull=False) | Q(linking_posts__isnull=False) | Q(carousel_items__isnull=False)
SIGNER = signing.TimestampSigner(salt="posts.media", sep="~")


@dataclass(frozen=True)
class Inspection:
    """What an address served. `media_file` is None for a web page, which `title` and `image` describe.

    `final_url` is the address after redirects, without its query. `image` is the stored preview image of a page.
    """

    final_url: str
    media_file: MediaFile | None = None
    title: str = ""
    image: MediaFile | None = None


def inspect(organization: Organization, url: str) -> Inspection:
    """Fetch `url` once and store an image or video; describe a web page.

    Raises MediaUnavailable; UnusableMedia for other content, and for a damaged image or video.

    The address of a stored file is not fetched: it names the file.
    """
    if is_stable_url(url):
        return Inspection(url, _stored_at(organization, url))
    with open_remote_media(url) as fetched:
        final_url = _without_query(fetched.final_url)
        try:
            return Inspection(final_url, _store(organization.pk, fetched.file, fetched.size, fetched.sha256))
        except NotMedia:
            if not link_page.is_page(fetched.file, fetched.content_type):
                raise UnusableMedia("The address serves neither a page, an image nor a video", passing=False) from None
            page = link_page.read_link_page(fetched.file, fetched.final_url, fetched.content_type)
    return Inspection(final_url, title=page.title, image=_preview_image(organization, page.image))


def fetch_and_store(organization: Organization, url: str) -> MediaFile:
    """Fetch an image or a video and store it. Raises MediaUnavailable; NotMedia when the URL serves neither."""
    with open_remote_media(url) as fetched:
        return _store(organization.pk, fetched.file, fetched.size, fetched.sha256)


def store_upload(organization: Organization, file: IO[bytes]) -> MediaFile:
    """Store a client's file as `store` does, within the limits of its kind and of the organization.

    Raises TooLarge, MediaUnavailable.
    """
    sha256, size = file_sha256(file)
    _ensure_within_limits(organization, file, size)
    return _store(organization.pk, file, size, sha256)


def fetch_upload(organization: Organization, url: str) -> MediaFile:
    """Fetch a client's file and store it as `store_upload` does. Raises TooLarge, MediaUnavailable."""
    with open_remote_media(url) as fetched:
        _ensure_within_limits(organization, fetched.file, fetched.size)
        return _store(organization.pk, fetched.file, fetched.size, fetched.sha256)


def _ensure_within_limits(organization: Organization, file: IO[bytes], size: int) -> None:
    file.seek(0)
    try:
        cap = VIDEO_BYTES if video_type(file.read(16)) else IMAGE_BYTES
    except UnusableVideo as error:
        raise UnusableMedia(str(error), passing=False) from None
    file.seek(0)
    if size > cap:
        message = f"The file is larger than {cap // 1024**2} MiB"
        raise TooLarge(message, [{"path": ["file"], "message": message, "code": "media.size"}])
    stored = MediaFile.objects.filter(organization=organization).aggregate(total=Sum("size"))["total"] or 0
    if stored + size > settings.MEDIA_QUOTA:
        message = f"The organization's media would exceed {settings.MEDIA_QUOTA // 1024**2:,} MiB"
        raise TooLarge(message, [{"path": ["file"], "message": message, "code": "media.quota"}])


def store(organization: Organization, file: IO[bytes]) -> MediaFile:
    """Store an uploaded image or video, normalised. Raises MediaUnavailable."""
    sha256, size = file_sha256(file)
    return _store(organization.pk, file, size, sha256)


def open_stored(media_file: MediaFile) -> IO[bytes]:
    """Open the stored bytes. Raises FileNotFoundError when the storage lost them."""
    return default_storage.open(str(media_file.file.name))


def read_image(media_file: MediaFile) -> bytes | None:
    """Return the poster, or an image itself; None for a video without a poster, and when the storage lost the bytes."""
    image = media_file.poster or (media_file.file if media_file.kind == "IMAGE" else None)
    if not image:
        return None
    try:
        with default_storage.open(str(image.name)) as file:
            return bytes(file.read())
    except FileNotFoundError:
        return None


def admin_url(media_file: MediaFile) -> str:
    """Return the URL of the stored copy on our own origin, for members of its organization."""
    return reverse("admin_media", args=[media_file.pk])


def public_url(media_file: MediaFile) -> str:
    """Return a URL under which a platform can fetch the stored copy until it expires."""
    if not is_served_here():
        return default_storage.url(str(media_file.file.name))  # signed by the storage itself
    stored = str(media_file.file.name)
    # The name at the end has no meaning here: platforms read its extension.
    link = f"{SIGNER.sign_object(stored)}/{stored.rpartition('/')[2]}"
    return f"{settings.PUBLIC_URL}{reverse('public_media', args=[link])}"


def stable_url(media_file: MediaFile) -> str:
    """Return the address that stands for an uploaded file as a post's `media`. It opens for members only."""
    return f"{settings.PUBLIC_URL}{reverse('stored_media', args=[media_file.pk])}"


def is_stable_url(url: str) -> bool:
    """Whether `url` has the form of a `stable_url`, on any host: a client may know the server by another name."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if any(character.isspace() for character in url) or "@" in parts.netloc or parts.query or parts.fragment:
        return False
    is_absolute = parts.scheme in {"http", "https"} and bool(parts.hostname)
    return is_absolute and STABLE_PATH.fullmatch(parts.path) is not None


def find_stored(organization: Organization, url: str) -> MediaFile | None:
    """Return the organization's file that a `stable_url` names; None when there is none. Fetches nothing."""
    return MediaFile.objects.filter(organization=organization, pk=urlsplit(url).path.rpartition("/")[2]).first()


def is_served_here() -> bool:
    """Whether platforms fetch stored files from this application, not from the storage."""
    return isinstance(default_storage, FileSystemStorage)


def name_from_link(link: str) -> str | None:
    """Return the storage name that `public_url` signed; None for a link that is not valid or has expired."""
    signed, _, name = link.partition("/")
    try:
        stored = SIGNER.unsign_object(signed, max_age=settings.MEDIA_LINK_SECONDS)
    except signing.BadSignature:
        return None
    return stored if isinstance(stored, str) and stored.rpartition("/")[2] == name else None


def content_type_of(name: str) -> str:
    """Return the content type of a stored file by the extension that `store` gave it."""
    return CONTENT_TYPES.get(name.rpartition(".")[2], "application/octet-stream")


def delete_orphans() -> int:
    """Delete media files to which no post has referred for ORPHAN_AGE; return how many. Runs daily."""
    MediaFile.objects.filter(IN_USE).update(used_at=clock.now())
    limit = clock.now() - ORPHAN_AGE
    return delete_each(list(_orphans(limit).values_list("pk", flat=True)), partial(_delete_orphan, limit))


def oldest_orphan() -> datetime | None:
    """Return since when the oldest of the files is unused that `delete_orphans` would delete now."""
    at: datetime | None = _orphans(clock.now() - ORPHAN_AGE).aggregate(at=Min("used_at"))["at"]
    return at


def delete_each(keys: Iterable[Any], delete: Callable[[Any], bool]) -> int:
    """Call `delete` with each key; return how many calls returned True.

    An error of the storage is logged and leaves the file to the next run; MAX_FAILURES of them end this one.
    """
    deleted = failed = 0
    for key in keys:
        try:
            deleted += delete(key)
        except DatabaseError:
            raise
        except Exception as error:  # noqa: BLE001  each storage has its own exceptions
            failed += 1
            log.warning("%s was not deleted from the storage: %s", key, type(error).__name__)
            if failed == MAX_FAILURES:
                break
    return deleted


def _orphans(limit: datetime) -> QuerySet[MediaFile]:
    return MediaFile.objects.filter(~IN_USE, used_at__lt=limit)


def _delete_orphan(limit: datetime, pk: UUID) -> bool:
    """Delete the row first: `_find` waits for it, and stores the file again after this transaction."""
    with transaction.atomic():
        row = _orphans(limit).filter(pk=pk).select_for_update(of=("self",)).first()
        if row is None:
            return False
        names = [name for name in (row.file.name, row.poster.name) if name]
        row.delete()
        for name in names:
            default_storage.delete(name)
    return True


def _stored_at(organization: Organization, url: str) -> MediaFile:
    if media_file := find_stored(organization, url):
        return media_file
    raise MediaUnavailable(NOT_STORED_ANY_MORE, passing=False)


def _store(organization_id: UUID, file: IO[bytes], size: int, source_sha256: str) -> MediaFile:
    if (known := _find(organization_id, source_sha256=source_sha256)) and default_storage.exists(str(known.file.name)):
        return known
    made = normalise(file, size, source_sha256)
    if known := _find(organization_id, sha256=made.facts.sha256):
        if not default_storage.exists(str(known.file.name)):
            _save_bytes(known, made)
            known.save(update_fields=["file", "poster"])
        return _with_changes(known, made.changes)
    return _create(organization_id, made, source_sha256)


def _find(organization_id: UUID, **columns: str) -> MediaFile | None:
    """Return a stored file and keep it from being deleted as unused."""
    rows = MediaFile.objects.filter(organization=organization_id, **columns)
    row = rows.order_by("created_at").first()
    return row if row and MediaFile.objects.filter(pk=row.pk).update(used_at=clock.now()) else None


def _save_bytes(row: MediaFile, made: NormalisedMedia) -> None:
    row.file.save(f"{row.sha256}.{made.facts.extension}", File(made.file), save=False)
    if made.poster:
        row.poster.save(f"{row.sha256}.poster.jpg", ContentFile(made.poster), save=False)


def _create(organization_id: UUID, made: NormalisedMedia, source_sha256: str) -> MediaFile:
    facts = made.facts
    row = MediaFile(
        organization_id=organization_id,
        sha256=facts.sha256,
        source_sha256=source_sha256,
        kind=facts.kind,
        content_type=facts.content_type,
        size=facts.size,
        width=facts.width,
        height=facts.height,
        seconds=facts.seconds,
        changes=made.changes,
    )
    _save_bytes(row, made)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:  # another worker has stored the same bytes
        stored = MediaFile.objects.get(organization=organization_id, sha256=facts.sha256)
        for ours, theirs in ((row.file.name, stored.file.name), (row.poster.name, stored.poster.name)):
            if ours and ours != theirs:
                default_storage.delete(ours)
        return _with_changes(stored, made.changes)
    return row


def _with_changes(row: MediaFile, changes: list[str]) -> MediaFile:
    """Return the row with the changes of this source. It stores those of all sources, which share its address."""
    if missing := [change for change in changes if change not in row.changes]:
        row.changes = [*row.changes, *missing]
        row.save(update_fields=["changes"])
    row.changes = changes
    return row


def _preview_image(organization: Organization, url: str) -> MediaFile | None:
    """Store the image that a page names for its preview; None when it cannot be had."""
    if not url:
        return None
    try:
        stored = fetch_and_store(organization, url)
    except MediaUnavailable:
        return None
    return stored if stored.kind == "IMAGE" else None


def _without_query(url: str) -> str:
    return urlsplit(url)._replace(query="", fragment="").geturl()
