"""GET /posts/{id}/comments/export: all comments as CSV, streamed or under a link; and where the links lead."""

from django.http import FileResponse, HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_safe
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.openapi import errors
from accounts.api.serializers import validate_query
from accounts.models import Scope
from posts.api import openapi
from posts.api.lookup import post_of
from posts.api.serializers import ExportQuery, ExportSerializer
from posts.api.upstream import upstream
from posts.attachment import TYPE, attached, private
from posts.domain import exporting


class Export(APIView):
    """All comments, replies included. A stream that breaks off ends without its last chunk, so that clients notice."""

    http_method_names = ["get"]
    scopes = {"get": Scope.READ}

    @extend_schema(
        summary="Export a post's comments",
        description="All comments, replies included, as CSV in UTF-8 with a byte order mark. The transfer breaks off "
        "visibly when the platform fails part-way: a short file never passes for a whole one. With `delivery=url` the "
        "file is stored, and the answer is a signed link to it that expires.",
        parameters=[openapi.POST_ID, ExportQuery],
        responses={
            (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, "Streamed; broken off when the platform fails."),
            (200, "application/json"): OpenApiResponse(ExportSerializer, "With `delivery=url`."),
            **errors(400, 404, 422, 502, 503),
        },
        examples=openapi.EXPORT_COMMENTS,
    )
    def get(self, request: Request, post_id: str) -> HttpResponseBase:
        wanted = validate_query(request, ExportQuery)
        post = post_of(request, post_id, wanted["mediumId"])
        if wanted.get("delivery") == "url":
            with upstream():
                kept = exporting.keep(post.channel, post.platform_id)
            path = reverse("export", args=[kept.token])
            return Response({"totalCount": kept.count, "csvUrl": request.build_absolute_uri(path)})
        with upstream():
            return attached(post, request.META)


@require_safe
def download(request: HttpRequest, token: str) -> HttpResponseBase:  # noqa: ARG001  Django's signature
    """GET /exports/{token}: the file behind a signed link, while the link lasts. Needs nothing but the link."""
    try:
        file, name = exporting.opened(token)
    except exporting.ExpiredLink:
        return JsonResponse({"message": "This link has expired"}, status=403)
    except exporting.UnknownLink:
        return JsonResponse({"message": "Not found"}, status=404)
    return private(FileResponse(file, as_attachment=True, filename=name, content_type=TYPE))
