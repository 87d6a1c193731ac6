"""GET /posts/{id}/insights and /posts/{id}/comments: read from the platform at each call, never from a copy."""

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.openapi import errors
from accounts.api.serializers import joi_error, validate_query
from accounts.datetimes import format_datetime
from accounts.models import Scope
from posts.api import openapi
from posts.api.lookup import post_of
from posts.api.serializers import (
    CommentPageSerializer,
    CommentSerializer,
    CommentsQuery,
    FigureSerializer,
    InsightsSerializer,
    PostQuery,
)
from posts.api.upstream import upstream
from posts.domain import comments
from posts.domain.insights import insights


class Insights(APIView):
    """A post's metrics; those that the platform refuses, or knows nothing of, with the reason."""

    scopes = {"get": Scope.READ}

    @extend_schema(
        summary="Read a post's insights",
        description="Read from the platform at each call. A metric that it refuses moves to `unavailable`, the others "
        "still answer. What is unknown is not zero.",
        parameters=[openapi.POST_ID, PostQuery],
        responses={200: InsightsSerializer, **errors(400, 404, 422, 502, 503)},
        examples=openapi.READ_INSIGHTS,
    )
    def get(self, request: Request, post_id: str) -> Response:
        post = post_of(request, post_id, validate_query(request, PostQuery)["mediumId"])
        with upstream():
            found = insights(post.channel, post.platform_id, post.type, media_type=post.media_type)
        return Response(
            {
                "postId": post.platform_id,
                "mediumId": post.channel.wire_id,
                "insights": [FigureSerializer(one).data for one in found.items],
                "unavailable": [{"name": name, "reason": why} for name, why in found.unavailable.items()],
                "fetchedAt": format_datetime(found.fetched_at),
            }
        )


class Comments(APIView):
    """Comments on the post, newest first, each followed by its replies, oldest first."""

    scopes = {"get": Scope.READ}

    @extend_schema(
        summary="Read a post's comments",
        description="Read from the platform at each call, never from a copy: newest first, each followed by its "
        "replies, oldest first. `nextCursor` goes into `after`.",
        parameters=[openapi.POST_ID, CommentsQuery],
        responses={200: CommentPageSerializer, **errors(400, 404, 422, 502, 503)},
        examples=openapi.READ_COMMENTS,
    )
    def get(self, request: Request, post_id: str) -> Response:
        wanted = validate_query(request, CommentsQuery)
        post = post_of(request, post_id, wanted["mediumId"])
        limit = int(wanted["limit"])
        try:
            with upstream():
                page = comments.page(post.channel, post.platform_id, limit=limit, cursor=wanted.get("after"))
        except comments.UnknownCursor:
            raise ValidationError({"after": [joi_error("any.only", "must be one that this list returned")]}) from None
        return Response(
            {
                "items": [CommentSerializer(one).data for one in page.items],
                "returned": len(page.items),
                "mayHaveMore": page.may_have_more,
                "nextCursor": page.next_cursor,
            }
        )
