"""The responses with stored media: to members of its organization, and to platforms that hold a signed link."""

import re
from collections.abc import Iterator
from typing import IO
from uuid import UUID

from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from accounts.admin.base import memberships
from posts.domain import media_store
from posts.models import MediaFile, PublishedPost

CHUNK = 1 << 18
RANGE = re.compile(r"bytes=(\d{1,18})-(\d{0,18})")
DAY = 24 * 3600


@require_safe
def admin_media(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Return the stored image or video. Raises Http404 for all who are not members of its organization."""
    media_file = _member_file(request, pk)
    return _respond(request, str(media_file.file.name), media_file.content_type, f"private, max-age={DAY}, immutable")


@require_safe
def admin_media_poster(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Return a small image of the stored media. Raises Http404 as `admin_media`, and for a video without one."""
    media_file = _member_file(request, pk)
    small = media_file.poster or media_file.file
    if not media_file.poster and media_file.kind == "VIDEO":
        raise Http404
    return _respond(request, str(small.name), "image/jpeg", f"private, max-age={DAY}, immutable")


@require_safe
def admin_thumbnail(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Return our small copy of a published post's image. Raises Http404 without one, and as `admin_media`."""
    own = [membership.organization_id for membership in memberships(request)]
    post = PublishedPost.objects.filter(pk=pk, organization__in=own).exclude(thumbnail="").first()
    if post is None:
        raise Http404
    return _respond(request, str(post.thumbnail.name), "image/jpeg", f"private, max-age={DAY}")


@require_safe
def public_media(request: HttpRequest, link: str) -> HttpResponseBase:
    """Return a stored file to the bearer of a signed link. Reads no database. Raises Http404 for other links."""
    stored = media_store.name_from_link(link)
    if stored is None:
        raise Http404
    return _respond(request, stored, media_store.content_type_of(stored), "private, no-store")


def _member_file(request: HttpRequest, pk: UUID) -> MediaFile:
    own = [membership.organization_id for membership in memberships(request)]
    if media_file := MediaFile.objects.filter(pk=pk, organization__in=own).first():
        return media_file
    raise Http404


def _respond(request: HttpRequest, name: str, content_type: str, caching: str) -> HttpResponseBase:
    try:
        file = default_storage.open(name)
    except OSError:
        raise Http404 from None
    size = file.size
    part = _byte_range(request.headers.get("Range", ""), size)
    response: HttpResponseBase
    if part is None:
        response = FileResponse(file, content_type=content_type)
        response["Content-Length"] = str(size)
    elif part[0] >= size:
        file.close()
        response = HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    else:
        first, last = part
        response = StreamingHttpResponse(_read_part(file, first, last), status=206, content_type=content_type)
        response["Content-Range"], response["Content-Length"] = f"bytes {first}-{last}/{size}", str(last - first + 1)
    response["Accept-Ranges"], response["Cache-Control"] = "bytes", caching
    response["Content-Disposition"], response["X-Content-Type-Options"] = "inline", "nosniff"
    return response


def _byte_range(header: str, size: int) -> tuple[int, int] | None:
    """Return first and last byte of a single range; None without one, and for forms that are answered in full."""
    match = RANGE.fullmatch(header.replace(" ", ""))
    if match is None:
        return None
    first, last = int(match[1]), int(match[2]) if match[2] else size - 1
    return (first, min(last, size - 1)) if first <= last or first >= size else None


def _read_part(file: IO[bytes], first: int, last: int) -> Iterator[bytes]:
    with file:
        file.seek(first)
        left = last - first + 1
        while left > 0 and (chunk := file.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk
