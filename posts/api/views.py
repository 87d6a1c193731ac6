"""GET /channels, /superpowers, /posts and /posts/{id}: what an organization has, and what it has published."""

from typing import Any

from django.conf import settings
from django.core.signing import BadSignature, SignatureExpired
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.authentication import get_api_key
from accounts.api.base import ApiView
from accounts.api.exceptions import UpstreamFailed, UpstreamThrottled
from accounts.api.openapi import LINK, NEXT_CURSOR, errors
from accounts.api.pagination import KeysetPagination, PaginationQuery
from accounts.api.serializers import joi_error
from accounts.datetimes import format_datetime
from accounts.exceptions import Invalid
from accounts.models import Scope
from posts.api import openapi, serializers
from posts.domain import comment_export, comments
from posts.domain.channels import visible_channels
from posts.domain.comment_export import TYPE, csv_response, no_store
from posts.domain.published_posts import read_insights
from posts.graph.errors import GraphError, Throttled, user_message
from posts.models import Channel, ChannelState, PublishedPost, SuperpowerTemplate


class ReadView(ApiView):
    scopes = {"get": Scope.READ}

    def handle_exception(self, exc: Exception) -> Response:
        return super().handle_exception(upstream_error(exc) if isinstance(exc, GraphError) else exc)


def upstream_error(error: GraphError) -> UpstreamThrottled | UpstreamFailed:
    """Return the error of the API for one of the Graph API."""
    if isinstance(error, Throttled):
        return UpstreamThrottled(user_message(error), retry_after=error.retry_after)
    return UpstreamFailed(user_message(error))


class Channels(ReadView):
    queries = {"get": serializers.ChannelsQuery}

    @extend_schema(
        summary="List channels",
        description="The connected Facebook Pages and Instagram accounts that the key may use, by name.",
        parameters=[serializers.ChannelsQuery, LINK, NEXT_CURSOR],
        responses={200: serializers.ChannelSerializer(many=True), **errors(400, 422)},
        examples=openapi.LIST_CHANNELS,
    )
    def get(self, request: Request) -> Response:
        if "workspaceId" in self.parameters:
            message = "Unknown workspaceId"
            raise Invalid(message, [{"path": ["workspaceId"], "message": message, "code": "workspace.unknown"}])
        rows = key_channels(request).exclude(state=ChannelState.DISCONNECTED).only("public_id", "type", "name")
        paginator = KeysetPagination("channels", ["name", "public_id"], parameters=self.parameters)
        page = paginator.paginate_queryset(rows, request)
        return paginator.get_paginated_response([serializers.ChannelSerializer(channel).data for channel in page])


class Superpowers(ReadView):
    queries = {"get": PaginationQuery}

    @extend_schema(
        summary="List superpowers",
        description="The organization's templates, by name. A scheduled post refers to one by `creativeTemplateId`.",
        parameters=[PaginationQuery, LINK, NEXT_CURSOR],
        responses={200: serializers.SuperpowerSerializer(many=True), **errors(422)},
        examples=openapi.LIST_SUPERPOWERS,
    )
    def get(self, request: Request) -> Response:
        rows = SuperpowerTemplate.objects.filter(organization=get_api_key(request).organization_id)
        paginator = KeysetPagination("superpowers", ["name", "id"], parameters=self.parameters)
        page = paginator.paginate_queryset(rows, request)
        return paginator.get_paginated_response([template.as_wire() for template in page])


class Posts(ReadView):
    queries = {"get": serializers.PostsQuery}

    @extend_schema(
        summary="List published posts",
        description="Newest first, of one channel or of all that the key may use. Filters apply before the limit.",
        parameters=[serializers.PostsQuery, LINK, NEXT_CURSOR],
        responses={200: serializers.PublishedPostSerializer(many=True), **errors(400, 422)},
        examples=openapi.LIST_POSTS,
    )
    def get(self, request: Request) -> HttpResponse:
        wanted = self.parameters
        key = get_api_key(request)
        rows = PublishedPost.objects.filter(organization=key.organization_id, deleted_at=None)
        if "mediumId" in wanted:
            # Without the organization, which the channel implies: PostgreSQL may else walk the organization's index.
            channel = get_channel_or_400(request, wanted["mediumId"])
            rows = PublishedPost.objects.filter(channel=channel, deleted_at=None)
        elif key.channels is not None:
            # As ids: with a subquery the planner may choose another index than the one in the list's order.
            rows = rows.filter(channel__in=list(key_channels(request).values_list("pk", flat=True)))
        if "type" in wanted:
            rows = rows.filter(type=wanted["type"])
        if "startDate" in wanted:
            rows = rows.filter(published_at__gte=wanted["startDate"][0])
        if "endDate" in wanted:
            rows = rows.filter(published_at__lt=wanted["endDate"][1])
        paginator = KeysetPagination(
            "posts",
            ["-published_at", "-platform_id"],
            parameters=wanted,
            filters={name: wanted[name] for name in ("mediumId", "type", "startDate", "endDate") if name in wanted},
            columns=serializers.PUBLISHED.columns,
        )
        page = paginator.paginate_queryset(rows, request)
        body = serializers.PUBLISHED.render_list(page)
        return HttpResponse(body, content_type="application/json", headers=paginator.headers)


class Post(ReadView):
    """One published post, named by its id and its channel."""

    queries = {"get": serializers.PostQuery}

    @extend_schema(
        summary="Read a published post",
        parameters=[openapi.POST_ID, serializers.PostQuery],
        responses={200: serializers.PublishedPostSerializer, **errors(400, 404, 422)},
        examples=openapi.READ_POST,
    )
    def get(self, request: Request, post_id: str) -> Response:
        post = get_published_post(request, post_id, self.parameters["mediumId"])
        return Response(serializers.PublishedPostSerializer(post).data)


class Export(ReadView):
    http_method_names = ["get"]
    queries = {"get": serializers.ExportQuery}

    @extend_schema(
        summary="Export a post's comments",
        description="All comments, replies included, as CSV in UTF-8 with a byte order mark. The first bytes are sent "
        "when the platform has returned the first page. When it fails before that, the response is 502 or 503; when it "
        "fails later, the transfer is aborted, so that clients can detect an incomplete file. With `Accept: "
        "application/json` or `delivery=url` the file is stored, and the response is a signed link to it that expires.",
        parameters=[openapi.POST_ID, serializers.ExportQuery],
        responses={
            (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, "Streamed; aborted when the platform fails."),
            (200, "application/json"): OpenApiResponse(
                serializers.ExportSerializer, "With `Accept: application/json` or `delivery=url`."
            ),
            **errors(400, 404, 422, 502, 503),
        },
        examples=openapi.EXPORT_COMMENTS,
    )
    def get(self, request: Request, post_id: str) -> HttpResponseBase:
        wanted = self.parameters
        post = get_published_post(request, post_id, wanted["mediumId"])
        # The first type wins when the client accepts both alike, as with `*/*`.
        accepted = request._request.get_preferred_type(["text/csv", "application/json"])
        response: HttpResponseBase
        if wanted.get("delivery") == "url" or accepted == "application/json":
            count, token = comment_export.store_export(post.channel, post.platform_id)
            path = reverse("export", args=[token])
            response = Response({"totalCount": count, "csvUrl": settings.ADMIN_URL + path})
        else:
            response = csv_response(post, request.META)
        patch_vary_headers(response, ["Accept"])
        return response


@require_safe
def download_export(request: HttpRequest, token: str) -> HttpResponseBase:  # noqa: ARG001  Django's signature
    """GET /exports/{token}: the file of a signed link until it expires. The link is the only credential."""
    try:
        file, name = comment_export.open_export(token)
    except SignatureExpired:
        return JsonResponse({"message": "This link has expired", "code": "link.expired"}, status=403)
    except (BadSignature, FileNotFoundError):
        return JsonResponse({"message": "Not found", "code": "not_found"}, status=404)
    return no_store(FileResponse(file, as_attachment=True, filename=name, content_type=TYPE))


class Insights(ReadView):
    queries = {"get": serializers.PostQuery}

    @extend_schema(
        summary="Read a post's insights",
        description="Read from the platform at each call. A metric that it refuses is listed in `unavailable`, without "
        "affecting the others. An unknown value is not zero.",
        parameters=[openapi.POST_ID, serializers.PostQuery],
        responses={200: serializers.InsightsSerializer, **errors(400, 404, 422, 502, 503)},
        examples=openapi.READ_INSIGHTS,
    )
    def get(self, request: Request, post_id: str) -> Response:
        post = get_published_post(request, post_id, self.parameters["mediumId"])
        return Response(insights_json(post))


class Comments(ReadView):
    queries = {"get": serializers.CommentsQuery}

    @extend_schema(
        summary="Read a post's comments",
        description="Read from the platform at each call, never from a copy: newest first, each followed by its "
        "replies, oldest first. Send `nextCursor` as `after` for the next page.",
        parameters=[openapi.POST_ID, serializers.CommentsQuery],
        responses={200: serializers.CommentPageSerializer, **errors(400, 404, 422, 502, 503)},
        examples=openapi.READ_COMMENTS,
    )
    def get(self, request: Request, post_id: str) -> Response:
        wanted = self.parameters
        post = get_published_post(request, post_id, wanted["mediumId"])
        return Response(comment_page(post, limit=int(wanted["limit"]), after=wanted.get("after")))


def insights_json(post: PublishedPost) -> dict[str, Any]:
    """Read the metrics of the post from the platform. Raises GraphError."""
    read = read_insights(post)
    return {
        "postId": post.platform_id,
        "mediumId": post.channel.public_id,
        "insights": [serializers.FigureSerializer(metric).data for metric in read.metrics],
        "unavailable": [{"name": name, "reason": reason} for name, reason in read.unavailable.items()],
        "fetchedAt": format_datetime(read.fetched_at),
    }


def comment_page(post: PublishedPost, *, limit: int, after: str | None) -> dict[str, Any]:
    """Read a page of comments from the platform. Raises ValidationError for a foreign cursor, GraphError."""
    try:
        page = comments.read_page(post.channel, post.platform_id, limit=limit, cursor=after)
    except comments.UnknownCursor:
        raise ValidationError({"after": [joi_error("any.only", "must be one that this list returned")]}) from None
    return {
        "items": [serializers.CommentSerializer(comment).data for comment in page.items],
        "returned": len(page.items),
        "mayHaveMore": page.next_cursor is not None,
        "nextCursor": page.next_cursor,
    }


def key_channels(request: Request) -> QuerySet[Channel]:
    key = get_api_key(request)
    return visible_channels(key.organization_id, key)


def get_channel_or_400(request: Request, medium_id: str) -> Channel:
    """Return the channel, connected or not: its published posts stay readable. Raises Invalid."""
    channel = key_channels(request).filter(public_id=medium_id).first()
    if channel is None:
        message = "Unknown mediumId"
        raise Invalid(message, [{"path": ["mediumId"], "message": message, "code": "channel.unknown"}])
    return channel


def get_published_post(request: Request, post_id: str, medium_id: str) -> PublishedPost:
    """Return the post of that channel, with the channel. Raises Invalid for the channel, Http404 for the post."""
    posts = PublishedPost.objects.filter(channel=get_channel_or_400(request, medium_id), deleted_at=None)
    # PostgreSQL refuses a NUL in a text, and no id contains one.
    post = None if "\x00" in post_id else posts.filter(platform_id=post_id).select_related("channel").first()
    if post is None:
        raise Http404
    return post
