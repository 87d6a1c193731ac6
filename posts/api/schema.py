"""What the operations on channels, superpowers and published posts take and give."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers

from accounts.api.pagination import PaginationQuery
from accounts.api.schema import Operation, describe
from accounts.api.wire import Moment
from posts.api import examples
from posts.api.documents import CommentDocument, FigureDocument, PublishedDocument
from posts.api.exports import Export
from posts.api.live import Comments, Insights
from posts.api.shapes import CommentsQuery, ExportQuery, OnePostQuery, PostsQuery, Superpower
from posts.api.views import Channels, Post, Posts, Superpowers
from posts.models import ChannelType

LIVE = (400, 404, 502, 503)
NAMED = ("The id that the post has on its platform.", examples.POST["id"])


class ChannelDocument(serializers.Serializer[Any]):
    """A connected Facebook Page or Instagram account."""

    id = serializers.CharField(help_text="The type, then the platform's own id.")
    type = serializers.ChoiceField(ChannelType.choices, help_text="Which platform.")
    name = serializers.CharField(help_text="What people call it.")


class UnavailableDocument(serializers.Serializer[Any]):
    """A metric that the platform does not give, and why."""

    name = serializers.CharField(help_text="The metric.")
    reason = serializers.CharField(help_text="A sentence.")


class InsightsDocument(serializers.Serializer[Any]):
    """A post's metrics, read from the platform at this call."""

    postId = serializers.CharField(help_text="The post.")
    mediumId = serializers.CharField(help_text="Its channel.")
    insights = FigureDocument(many=True, help_text="What the platform gave.")
    unavailable = UnavailableDocument(many=True, help_text="What it did not give.")
    fetchedAt = Moment(help_text="When it was asked.")


class CommentsDocument(serializers.Serializer[Any]):
    """A page of comments, read from the platform at this call."""

    items = CommentDocument(many=True, help_text="The comments.")
    returned = serializers.IntegerField(help_text="How many these are.")
    mayHaveMore = serializers.BooleanField(help_text="Whether there may be another page.")
    nextCursor = serializers.CharField(
        allow_null=True, help_text="What goes into `after` for it; null on the last page."
    )


class ExportDocument(serializers.Serializer[Any]):
    """Where the file is, for a while, with `delivery=url`."""

    totalCount = serializers.IntegerField(help_text="How many comments the file has.")
    csvUrl = serializers.URLField(help_text="A signed link that expires. Whoever has it can read the file.")


describe(
    Channels,
    get=Operation(
        "List channels",
        {200: ChannelDocument(many=True)},
        query=PaginationQuery,
        listed=True,
        says="The connected Facebook Pages and Instagram accounts that the key reaches, by name.",
        examples=examples.CHANNELS,
    ),
)
describe(
    Superpowers,
    get=Operation(
        "List superpowers",
        {200: Superpower(many=True)},
        query=PaginationQuery,
        listed=True,
        says="The organization's templates, by name. A scheduled post takes one by its `creativeTemplateId`.",
        examples=examples.SUPERPOWERS,
    ),
)
describe(
    Posts,
    get=Operation(
        "List published posts",
        {200: PublishedDocument(many=True)},
        errors=(400,),
        query=PostsQuery,
        listed=True,
        says="Newest first, of one channel or of all that the key reaches merged. Filters apply before the limit.",
        examples=examples.POSTS,
    ),
)
describe(
    Post,
    get=Operation(
        "Read a published post",
        {200: PublishedDocument},
        (400, 404),
        query=OnePostQuery,
        named=NAMED,
        examples=examples.ONE,
    ),
)
describe(
    Insights,
    get=Operation(
        "Read a post's insights",
        {200: InsightsDocument},
        LIVE,
        query=OnePostQuery,
        says="Read from the platform at each call. A metric that it refuses moves to `unavailable`, the others still "
        "answer. What is unknown is not zero.",
        named=NAMED,
        examples=examples.INSIGHTS,
    ),
)
describe(
    Comments,
    get=Operation(
        "Read a post's comments",
        {200: CommentsDocument},
        LIVE,
        query=CommentsQuery,
        says="Read from the platform at each call, never from a copy: newest first, each followed by its replies, "
        "oldest first. `nextCursor` goes into `after`.",
        named=NAMED,
        examples=examples.COMMENTS,
    ),
)
describe(
    Export,
    get=Operation(
        "Export a post's comments",
        {
            (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, "Streamed; broken off when the platform fails."),
            (200, "application/json"): OpenApiResponse(ExportDocument, "With `delivery=url`."),
        },
        LIVE,
        query=ExportQuery,
        says="All comments, replies included, as CSV in UTF-8 with a byte order mark. The transfer breaks off visibly "
        "when the platform fails part-way: a short file never passes for a whole one. With `delivery=url` the file is "
        "stored, and the answer is a signed link to it that expires.",
        named=NAMED,
        examples=examples.EXPORT,
    ),
)
