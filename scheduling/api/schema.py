"""What the operations on scheduled posts take and give."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema_field
from rest_framework import serializers

from accounts.api.schema import Example, Operation, describe
from accounts.api.wire import Moment
from posts.api.shapes import Superpower
from posts.models import ChannelType, PostType
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

DRAFT = {
    "status": "DRAFT",
    "media": "https://res.cloudinary.com/demo/image/upload/sample.png",
    "mediaType": "IMAGE",
    "scheduledFor": "2026-07-01T13:00:00.000Z",
    "channels": {"FB_PAGE_123456789012345": {"mediumType": "FB_PAGE", "caption": "Hello 👋"}},
}
GREETER = {
    "name": "Greeter",
    "hashtag": "myuniquehashtag",
    "active": True,
    "templateType": "CONDITIONAL",
    "conditionalTemplateType": "GENERAL",
    "conditionGroups": [
        {
            "name": "everyone",
            "conditions": [{"conditionType": "USER_ACTION", "userActionType": "COMMENTED", "values": ["any"]}],
            "publicReplies": [{"scope": "PUBLIC", "text": "Thanks, @[mention_user]!"}],
            "autoLike": True,
            "autoLikeProbability": 1,
            "probability": 1,
            "publicRepliesProbability": 1,
        }
    ],
}
WITH_SUPERPOWER = {
    **DRAFT,
    "channels": {
        "FB_PAGE_123456789012345": {"mediumType": "FB_PAGE", "caption": "Hello 👋", "superpower": GREETER},
    },
}


class ErrorDocument(serializers.Serializer[Any]):
    """Why a channel is not live."""

    code = serializers.CharField()
    message = serializers.CharField()


class OutcomeDocument(serializers.Serializer[Any]):
    """What became of the post on a channel."""

    state = serializers.ChoiceField(DeliveryState.choices)
    postId = serializers.CharField(allow_null=True)
    permalink = serializers.CharField(allow_null=True)
    publishedAt = Moment(allow_null=True)
    error = ErrorDocument(allow_null=True)


class MediumDocument(serializers.Serializer[Any]):
    """What is said on a channel. `outcome` is null until publishing begins."""

    mediumType = serializers.ChoiceField(ChannelType.choices)
    caption = serializers.CharField()
    superpower = Superpower(allow_null=True)
    outcome = OutcomeDocument(allow_null=True)


@extend_schema_field(MediumDocument)
class Medium(serializers.JSONField):
    """One value of `mediumsData`."""


class CreatorDocument(serializers.Serializer[Any]):
    """Who wrote the post."""

    kind = serializers.ChoiceField(["API_KEY", "USER"])
    id = serializers.CharField()
    name = serializers.CharField()


class ScheduledPostDocument(serializers.Serializer[Any]):
    """A scheduled post, the same in every answer. `channels` goes in, `mediumsData` comes out."""

    id = serializers.UUIDField()
    orgId = serializers.UUIDField()
    type = serializers.ChoiceField(PostType.choices)
    status = serializers.ChoiceField(Status.choices)
    media = serializers.CharField(allow_null=True)
    mediaType = serializers.ChoiceField(MediaType.choices, allow_null=True)
    scheduledFor = Moment(allow_null=True)
    taskId = serializers.UUIDField(allow_null=True)
    mediumsData = serializers.DictField(child=Medium())
    notes = serializers.CharField(allow_null=True)
    brief = serializers.CharField(allow_null=True)
    createdBy = CreatorDocument(allow_null=True)
    createdAt = Moment()
    updatedAt = Moment()
    version = serializers.IntegerField()


class MessageDocument(serializers.Serializer[Any]):
    """A sentence."""

    message = serializers.CharField()


IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description='The version that you have seen, `"3"`; stale: 412.'
)
POST = {200: ScheduledPostDocument}

describe(
    ScheduledPosts,
    get=Operation(
        "List scheduled posts, soonest first",
        {200: ScheduledPostDocument(many=True)},
        query=ScheduledPostsQuery,
        listed=True,
    ),
    post=Operation(
        "Create a draft, or submit a post at once",
        {201: ScheduledPostDocument},
        (400, 409),
        body=NewPost,
        examples=[
            Example("An empty draft", {}, 201),
            Example("A draft", DRAFT, 201),
            Example("A draft with a superpower", WITH_SUPERPOWER, 201),
            Example("Scheduling is for people", {**DRAFT, "status": "SCHEDULED"}, 422),
            Example("Its date has passed", {**DRAFT, "status": "WAITING_FOR_APPROVAL"}, 400),
        ],
    ),
)
describe(
    OneScheduledPost,
    get=Operation("Read a scheduled post", POST, (404,)),
    patch=Operation(
        "Change a scheduled post",
        POST,
        (400, 404, 409, 412),
        body=ChangedPost,
        headers=[IF_MATCH],
        examples=[Example("Another date", {"scheduledFor": "2031-07-01T08:30:00Z"}, 200)],
    ),
    delete=Operation("Delete a scheduled post", {200: MessageDocument}, (404, 409)),
)
describe(SubmitForApproval, post=Operation("Hand it to the reviewers", POST, (400, 404, 409)))
describe(
    Reject,
    post=Operation("Send it back with notes", POST, (404, 409), body=Rejection),
)
describe(Revert, post=Operation("Take it back to draft; a pending task is cancelled", POST, (404, 409)))
describe(HumanOnly, post=Operation("Always 403: a person decides, in the app", {}))
