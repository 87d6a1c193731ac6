"""Arguments and results of the tools: the API's, as far as a model needs them."""

from typing import Any

from rest_framework import serializers

from accounts.api.openapi import RuleErrorSerializer
from accounts.api.pagination import PaginationQuery
from accounts.api.serializers import (
    StrictCharField,
    StrictIntegerField,
    StrictSerializer,
    UTCMillisField,
)
from accounts.models import Scope
from posts.api.serializers import ChannelSerializer, CommentsQuery, PostQuery
from posts.models import ChannelState
from scheduling.api.channel_serializers import QuotaSerializer
from scheduling.api.event_serializers import EventActorSerializer
from scheduling.api.serializers import (
    ActorSerializer,
    PostContentSerializer,
    ReviewSerializer,
    ScheduledPostSerializer,
)
from scheduling.domain.event_feed import TYPES
from scheduling.lifecycle import Status

MAX_DATA = 900_000  # characters of base64; the body of a request is limited to 1 MiB
VERSION: Any = {"min_value": 0}


class NoArguments(StrictSerializer):
    pass


class ChannelArguments(StrictSerializer):
    channelId = StrictCharField(help_text="From list_channels.")


class PostArguments(StrictSerializer):
    postId = StrictCharField(help_text="The id of the scheduled post.")


class ListChannelsArguments(PaginationQuery):
    cursor = StrictCharField(required=False, help_text="The `nextCursor` of the page before.")


class CreateDraftArguments(PostContentSerializer):
    idempotencyKey = StrictCharField(
        max_length=255, help_text="Your own name for this draft. A repeated call with it creates no second post."
    )


class UpdateDraftArguments(PostContentSerializer, PostArguments):
    version = StrictIntegerField(**VERSION, help_text="The version that you have read.")


class SubmitArguments(PostArguments):
    version = StrictIntegerField(**VERSION, help_text="The version that you have read.")


class TakeBackArguments(PostArguments):
    version = StrictIntegerField(**VERSION, required=False, help_text="The version that you have read.")
    reason = StrictCharField(required=False, max_length=1000, help_text="Why: reviewers and approvers read it.")


class UploadMediaArguments(StrictSerializer):
    url = StrictCharField(required=False, max_length=2048, help_text="A public URL, which is fetched once.")
    base64 = StrictCharField(
        required=False, max_length=MAX_DATA, help_text="Or a small file in base64; a larger one needs a URL."
    )


class PublishedPostArguments(PostQuery):
    postId = StrictCharField(help_text="The post's id on the platform: `outcome.postId` of get_post.")


class CommentsArguments(CommentsQuery, PublishedPostArguments):
    pass


class OrganizationSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()


class WhoamiSerializer(serializers.Serializer[Any]):
    keyId = serializers.CharField()
    keyName = serializers.CharField()
    organization = OrganizationSerializer()
    scopes = serializers.ListField(
        child=serializers.ChoiceField(Scope.choices), help_text="read, draft, queue: to withdraw; webhooks."
    )
    channels = serializers.ListField(
        child=serializers.CharField(), allow_null=True, help_text="The channels that the key may use; null for all."
    )
    expiresAt = UTCMillisField(allow_null=True)
    callsPerMinute = serializers.IntegerField(allow_null=True, help_text="null: no limit.")
    versionRequired = serializers.BooleanField(
        help_text="Whether every change of a post that a person edited last needs its version."
    )
    secondApprover = serializers.BooleanField(help_text="Whether two people have to approve.")
    serverTime = UTCMillisField()


class ChannelPageSerializer(serializers.Serializer[Any]):
    items = ChannelSerializer(many=True)
    nextCursor = serializers.CharField(allow_null=True, help_text="`cursor` of the next page; null on the last.")


class CapabilitiesSerializer(ChannelSerializer):
    state = serializers.ChoiceField(ChannelState.choices, help_text="Posts are published while it is CONNECTED.")
    capabilities = serializers.DictField(
        help_text="`types.<type of post>`: `media` by kind (count, bytes, ratio, formats, seconds), `caption`, "
        "`altText`, `carousel`. null is no documented limit."
    )
    quota = QuotaSerializer(allow_null=True, help_text="Posts of 24 hours; null where the platform reports none.")


class PostStateSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    status = serializers.ChoiceField(Status.choices)
    version = serializers.IntegerField(help_text="For the next change.")
    scheduledFor = UTCMillisField(allow_null=True)
    allowed = serializers.ListField(child=serializers.CharField(), help_text="Tools that the state allows.")
    adminUrl = serializers.CharField(help_text="The page where people review it.")


class PostSummarySerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    status = serializers.ChoiceField(Status.choices)
    version = serializers.IntegerField()
    scheduledFor = UTCMillisField(allow_null=True)
    captions = serializers.DictField(
        child=serializers.CharField(allow_null=True), help_text="The beginning of the text on each channel."
    )
    notes = serializers.CharField(allow_null=True, help_text="Of a rejection.")
    externalId = serializers.CharField(allow_null=True)
    updatedBy = ActorSerializer(allow_null=True)
    updatedAt = UTCMillisField()


class PostPageSerializer(serializers.Serializer[Any]):
    items = PostSummarySerializer(many=True)
    nextCursor = serializers.CharField(allow_null=True, help_text="`cursor` of the next page; null on the last.")


class PostSerializer(ScheduledPostSerializer):
    allowed = serializers.ListField(child=serializers.CharField(), help_text="Tools that the state allows.")
    adminUrl = serializers.CharField(help_text="The page where people review it.")


class ValidationCheckSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    severity = serializers.CharField()
    message = serializers.CharField()
    channelId = serializers.CharField(allow_null=True)


class ValidationSerializer(serializers.Serializer[Any]):
    valid = serializers.BooleanField(help_text="Whether submit_for_approval would be accepted.")
    violations = RuleErrorSerializer(many=True, help_text="What would be refused.")
    warnings = ValidationCheckSerializer(many=True, help_text="What a reviewer would be warned of.")
    mediaChecked = serializers.BooleanField(help_text="Whether the media were inspected: uploaded ones are.")


class DeletedSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    deleted = serializers.BooleanField()


class EventSummarySerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    type = serializers.ChoiceField(TYPES)
    occurredAt = UTCMillisField()
    actor = EventActorSerializer()
    post = PostSummarySerializer(allow_null=True, help_text="The post as it was then.")
    channel = ChannelSerializer(allow_null=True)
    review = ReviewSerializer(required=False, allow_null=True)


class EventPageSerializer(serializers.Serializer[Any]):
    items = EventSummarySerializer(many=True)
    nextCursor = serializers.CharField(help_text="`after` of the next call; never null.")
