"""What the operations on channels, superpowers and published posts take and give."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers

from accounts.api.paging import Paged
from accounts.api.schema import Operation, describe
from accounts.api.wire import Moment
from posts.api.documents import CommentDocument, FigureDocument, PublishedDocument
from posts.api.exports import Export
from posts.api.live import Comments, Insights
from posts.api.shapes import CommentsQuery, ExportQuery, OnePostQuery, PostsQuery, Superpower
from posts.api.views import Channels, Post, Posts, Superpowers
from posts.models import ChannelType

LIVE = (400, 404, 502, 503)


class ChannelDocument(serializers.Serializer[Any]):
    """A connected Facebook Page or Instagram account."""

    id = serializers.CharField()
    type = serializers.ChoiceField(ChannelType.choices)
    name = serializers.CharField()


class UnavailableDocument(serializers.Serializer[Any]):
    """A metric that the platform does not give, and why."""

    name = serializers.CharField()
    reason = serializers.CharField()


class InsightsDocument(serializers.Serializer[Any]):
    """A post's metrics, read from the platform at this call."""

    postId = serializers.CharField()
    mediumId = serializers.CharField()
    insights = FigureDocument(many=True)
    unavailable = UnavailableDocument(many=True)
    fetchedAt = Moment()


class CommentsDocument(serializers.Serializer[Any]):
    """A page of comments, read from the platform at this call."""

    items = CommentDocument(many=True)
    returned = serializers.IntegerField()
    mayHaveMore = serializers.BooleanField()
    nextCursor = serializers.CharField(allow_null=True)


class ExportDocument(serializers.Serializer[Any]):
    """Where the file is, for a while, with `delivery=url`."""

    totalCount = serializers.IntegerField()
    csvUrl = serializers.URLField()


describe(
    Channels,
    get=Operation("List the connected channels", {200: ChannelDocument(many=True)}, query=Paged, listed=True),
)
describe(
    Superpowers,
    get=Operation("List the superpower templates", {200: Superpower(many=True)}, query=Paged, listed=True),
)
describe(
    Posts,
    get=Operation(
        "List published posts, newest first",
        {200: PublishedDocument(many=True)},
        errors=(400,),
        query=PostsQuery,
        listed=True,
    ),
)
describe(Post, get=Operation("Read a published post", {200: PublishedDocument}, (400, 404), query=OnePostQuery))
describe(
    Insights,
    get=Operation("Read a post's insights, live", {200: InsightsDocument}, LIVE, query=OnePostQuery),
)
describe(
    Comments,
    get=Operation("Read a post's comments, live", {200: CommentsDocument}, LIVE, query=CommentsQuery),
)
describe(
    Export,
    get=Operation(
        "Export all comments of a post as CSV",
        {
            (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, "Streamed; broken off when the platform fails."),
            (200, "application/json"): OpenApiResponse(ExportDocument, "With `delivery=url`."),
        },
        LIVE,
        query=ExportQuery,
    ),
)
