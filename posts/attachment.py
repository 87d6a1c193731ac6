"""All comments of a post as an answer over HTTP: the same file for keys and for people at the desk."""

import socket
from typing import Any

from django.http import FileResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header

from posts.domain import exporting
from posts.models import PublishedPost

TYPE = "text/csv; charset=utf-8"
STALLED = 60.0  # seconds without reading after which a client is given up
AHEAD = 128 * 1024  # bytes that are read ahead of the client


def attached(post: PublishedPost, meta: dict[str, Any]) -> HttpResponseBase:
    """Return the file, streamed as it is read; `meta` is the request's. Raises GraphErrors before its first byte.

    A stream that breaks off ends without its last chunk, so that clients notice.
    """
    name = exporting.file_name(post.platform_id)
    if meta.get("SERVER_PROTOCOL") == "HTTP/1.0":
        # There are no chunks, and a break looks like the end: read to the end first, and name the length.
        whole = exporting.whole(post.channel, post.platform_id)[0]
        return private(FileResponse(whole, as_attachment=True, filename=name, content_type=TYPE))
    export = exporting.Export(post.channel, post.platform_id)
    _give_up_on_who_stalls(meta)
    header = content_disposition_header(as_attachment=True, filename=name)
    return private(StreamingHttpResponse(export, content_type=TYPE, headers={"Content-Disposition": header}))


def private(response: HttpResponseBase) -> HttpResponseBase:
    """Keep caches from keeping it, and proxies from holding it back."""
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _give_up_on_who_stalls(meta: dict[str, Any]) -> None:
    """Let a write that the client does not take for a minute fail, so that it holds its thread no longer."""
    connection = meta.get("gunicorn.socket")
    if connection is not None:
        connection.settimeout(STALLED)
        # Else the kernel takes megabytes ahead of the client, and as many calls to the platform are made for nothing.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, AHEAD)
