"""The query and the response of GET /events. The objects are also the bodies of webhooks."""

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from accounts.api.pagination import LIMIT
from accounts.api.serializers import StrictCharField, StrictSerializer, UTCMillisField, joi_error
from posts.api.serializers import ChannelSerializer
from scheduling.api.serializers import ReviewSerializer, ScheduledPostSerializer
from scheduling.domain.event_feed import TYPES


class TypesField(StrictCharField):
    """Comma-separated types of events, in one parameter or several; returned as a list."""

    def to_internal_value(self, data: Any) -> Any:
        text = super().to_internal_value(",".join(data) if isinstance(data, list) else data)
        types = [word.strip() for word in text.split(",") if word.strip()]
        if not types or set(types) - set(TYPES):
            message = f"must be one of [{', '.join(TYPES)}]"
            raise ValidationError([joi_error("any.only", message, value=data, valids=TYPES)])
        return types


class EventsQuery(StrictSerializer):
    after = StrictCharField(required=False, help_text="The `nextCursor` of the page before.")
    types = TypesField(required=False, help_text="Types of events, separated by commas.")
    limit = LIMIT


class EventActorSerializer(serializers.Serializer[Any]):
    """Who caused the event: an API key, a person, or a worker of Dynamo."""

    kind = serializers.ChoiceField(["API_KEY", "USER", "WORKER"], help_text="An API key, a person, or a worker.")
    id = serializers.CharField(help_text="The id of the key or the person.")
    name = serializers.CharField(help_text="The name of the key or the person.")


class EventSerializer(serializers.Serializer[Any]):
    """What happened, with the post as it was then."""

    id = serializers.UUIDField(help_text="Its id, the same in GET /events and in each attempt of a webhook.")
    type = serializers.ChoiceField(TYPES, help_text="What happened.")
    occurredAt = UTCMillisField(help_text="When it happened.")
    organizationId = serializers.UUIDField(help_text="The organization.")
    actor = EventActorSerializer(help_text="Who caused it.")
    post = ScheduledPostSerializer(allow_null=True, help_text="The scheduled post as it was then.")
    channel = ChannelSerializer(allow_null=True, help_text="The channel, for events of channels.")
    review = ReviewSerializer(required=False, help_text="The decision, for post.approved and post.rejected.")


class EventPageSerializer(serializers.Serializer[Any]):
    """Events in order."""

    items = EventSerializer(many=True, help_text="The events.")
    nextCursor = serializers.CharField(help_text="The value of `after` for what follows; never null.")
