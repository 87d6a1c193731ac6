"""What the operations on scheduled posts take and give."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema_field
from rest_framework import serializers

from accounts.api.schema import Operation, describe
from accounts.api.wire import Moment
from posts.api.shapes import Superpower
from posts.models import ChannelType, PostType
from scheduling.api import examples
from scheduling.api.shapes import ChangedPost, NewPost, Rejection, ScheduledPostsQuery
from scheduling.api.views import (
    HumanOnly,
    OneScheduledPost,
    Reject,
    Revert,
    ScheduledPosts,
    SubmitForApproval,
)
from scheduling.lifecycle import Status
from scheduling.models import DeliveryState, MediaType


class ErrorDocument(serializers.Serializer[Any]):
    """Why a channel is not live."""

    code = serializers.CharField(help_text="For programs: the platform's own, or `MISSED`.")
    message = serializers.CharField(help_text="A sentence.")


class OutcomeDocument(serializers.Serializer[Any]):
    """What became of the post on a channel."""

    state = serializers.ChoiceField(
        DeliveryState.choices, help_text="How far it has come. UNKNOWN: a person finds out, nothing is sent again."
    )
    postId = serializers.CharField(allow_null=True, help_text="Its id on the platform.")
    permalink = serializers.CharField(allow_null=True, help_text="Where people see it.")
    publishedAt = Moment(allow_null=True, help_text="When it went live.")
    error = ErrorDocument(allow_null=True, help_text="Why it is not live.")


class MediumDocument(serializers.Serializer[Any]):
    """What is said on a channel. `outcome` is null until publishing begins."""

    mediumType = serializers.ChoiceField(ChannelType.choices, help_text="Which platform.")
    caption = serializers.CharField(help_text="What is said.")
    superpower = Superpower(
        allow_null=True, help_text="The whole superpower, whether it was sent whole or by reference."
    )
    outcome = OutcomeDocument(allow_null=True, help_text="What became of it; null until publishing begins.")


@extend_schema_field(MediumDocument)
class Medium(serializers.JSONField):
    """One value of `mediumsData`."""


class CreatorDocument(serializers.Serializer[Any]):
    """Who wrote the post."""

    kind = serializers.ChoiceField(["API_KEY", "USER"], help_text="A key or a person.")
    id = serializers.CharField(help_text="Its or their id.")
    name = serializers.CharField(help_text="What people call it or them.")


class ScheduledPostDocument(serializers.Serializer[Any]):
    """A scheduled post, the same in every answer. `channels` goes in, `mediumsData` comes out."""

    id = serializers.UUIDField(help_text="Its id.")
    orgId = serializers.UUIDField(help_text="The organization.")
    type = serializers.ChoiceField(PostType.choices, help_text="What is published.")
    status = serializers.ChoiceField(Status.choices, help_text="Where it is in its lifecycle.")
    media = serializers.CharField(allow_null=True, help_text="The media's URL.")
    mediaType = serializers.ChoiceField(MediaType.choices, allow_null=True, help_text="What the media is.")
    scheduledFor = Moment(allow_null=True, help_text="When it goes out.")
    taskId = serializers.UUIDField(allow_null=True, help_text="The pending publish task; null when there is none.")
    mediumsData = serializers.DictField(
        child=Medium(), help_text="What is said where, and what became of it, by channel id."
    )
    notes = serializers.CharField(allow_null=True, help_text="Those of the last rejection.")
    brief = serializers.CharField(allow_null=True, help_text="What the reviewer is told about it.")
    createdBy = CreatorDocument(allow_null=True, help_text="Who wrote it.")
    createdAt = Moment(help_text="When it was written.")
    updatedAt = Moment(help_text="When it changed last.")
    version = serializers.IntegerField(help_text="Counts changes of its content; `If-Match` takes it.")


class MessageDocument(serializers.Serializer[Any]):
    """A sentence."""

    message = serializers.CharField(help_text="What happened.")


IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description='The version that you have seen, `"3"`; stale: 412.'
)
POST = {200: ScheduledPostDocument}
NAMED = ("The scheduled post's id.", examples.document()["id"])

describe(
    ScheduledPosts,
    get=Operation(
        "List scheduled posts",
        {200: ScheduledPostDocument(many=True)},
        query=ScheduledPostsQuery,
        listed=True,
        says="Soonest `scheduledFor` first, undated last. Without `status`: all that is not yet published.",
        examples=examples.LISTING,
    ),
    post=Operation(
        "Create a scheduled post",
        {201: ScheduledPostDocument},
        (400, 409),
        body=NewPost,
        either=True,
        says="Stores a draft, which may lack anything. With `status: WAITING_FOR_APPROVAL` the post is handed to the "
        "reviewers at once, and must be complete: it passes the full publish validation, or nothing is stored.",
        examples=examples.CREATING,
    ),
)
describe(
    OneScheduledPost,
    get=Operation(
        "Read a scheduled post",
        POST,
        (404,),
        named=NAMED,
        says="As it stands. Once publishing begins, `outcome` tells of each channel what became of it.",
        examples=examples.READING,
    ),
    patch=Operation(
        "Change a scheduled post",
        POST,
        (400, 404, 409, 412),
        body=ChangedPost,
        headers=[IF_MATCH],
        either=True,
        says="Changes the fields that are sent; `channels` replaces the whole map. Possible in DRAFT, REJECTED and "
        "WAITING_FOR_APPROVAL: there the post must stay complete, and whoever has the old version open can no longer "
        "approve it. `status: DRAFT` takes a rejected post back to the drawing board.",
        named=NAMED,
        examples=examples.CHANGING,
    ),
    delete=Operation(
        "Delete a scheduled post",
        {200: MessageDocument},
        (404, 409),
        says="A pending task is cancelled with it. What is publishing or published cannot be deleted.",
        named=NAMED,
        examples=examples.DELETING,
    ),
)
describe(
    SubmitForApproval,
    post=Operation(
        "Submit for approval",
        POST,
        (400, 404, 409),
        says="Hands a draft, or a rejected post, to the reviewers. It must pass the full publish validation. "
        "No body is needed; one that is sent is not looked at.",
        named=NAMED,
        examples=examples.SUBMITTING,
    ),
)
describe(
    Reject,
    post=Operation(
        "Reject",
        POST,
        (404, 409),
        body=Rejection,
        says="Sends a waiting post back to its author, with notes.",
        named=NAMED,
        examples=examples.REJECTING,
    ),
)
describe(
    Revert,
    post=Operation(
        "Revert to draft",
        POST,
        (404, 409),
        says="Takes a scheduled post back to draft: its approval is void and its task cancelled, so that it does not "
        "go out. A failed post can be taken back when nothing of it went live. No body is needed.",
        named=NAMED,
        examples=examples.REVERTING,
    ),
)
describe(
    HumanOnly,
    post=Operation(
        "Always refused: {verb}",
        {},
        says="Approving, scheduling and publishing are for people, in the app. This answers 403 to every key, "
        "whatever the body, whether the post exists or not.",
        named=NAMED,
        examples=examples.BY_PEOPLE,
    ),
)
