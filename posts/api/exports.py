"""GET /posts/{id}/comments/export: all comments as CSV, streamed or under a link; and where the links lead."""

from typing import Any

from django.http import FileResponse, HttpRequest, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.shape import query
from accounts.models import Scope
from posts.api.lookup import post_of
from posts.api.shapes import ExportQuery
from posts.api.upstream import upstream
from posts.domain import exporting

TYPE = "text/csv; charset=utf-8"
STALLED = 60.0  # seconds without reading after which a client is given up


class Export(APIView):
    """All comments, replies included. A stream that breaks off ends without its last chunk, so that clients notice."""

    http_method_names = ["get"]
    scopes = {"get": Scope.READ}

    def get(self, request: Request, post_id: str) -> HttpResponseBase:
        wanted = query(request, ExportQuery)
        post = post_of(request, post_id, wanted["mediumId"])
        if wanted.get("delivery") == "url":
            with upstream():
                kept = exporting.keep(post.channel, post.platform_id)
            path = reverse("export", args=[kept.token])
            return Response({"totalCount": kept.count, "csvUrl": request.build_absolute_uri(path)})
        name = exporting.file_name(post.platform_id)
        with upstream():
            if request.META.get("SERVER_PROTOCOL") == "HTTP/1.0":
                # There are no chunks, and a break looks like the end: read to the end first, and name the length.
                whole = exporting.whole(post.channel, post.platform_id)[0]
                return _private(FileResponse(whole, as_attachment=True, filename=name, content_type=TYPE))
            export = exporting.Export(post.channel, post.platform_id)
        _give_up_on_who_stalls(request.META)
        header = content_disposition_header(as_attachment=True, filename=name)
        return _private(StreamingHttpResponse(export, content_type=TYPE, headers={"Content-Disposition": header}))


@require_safe
def download(request: HttpRequest, token: str) -> HttpResponseBase:  # noqa: ARG001  Django's signature
    """GET /exports/{token}: the file behind a signed link, while the link lasts. Needs nothing but the link."""
    try:
        file, name = exporting.opened(token)
    except exporting.ExpiredLink:
        return JsonResponse({"message": "This link has expired"}, status=403)
    except exporting.UnknownLink:
        return JsonResponse({"message": "Not found"}, status=404)
    return _private(FileResponse(file, as_attachment=True, filename=name, content_type=TYPE))


def _private(response: HttpResponseBase) -> HttpResponseBase:
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _give_up_on_who_stalls(meta: dict[str, Any]) -> None:
    """Let a write that the client does not take for a minute fail, so that it holds its thread no longer."""
    connection = meta.get("gunicorn.socket")
    if connection is not None:
        connection.settimeout(STALLED)
