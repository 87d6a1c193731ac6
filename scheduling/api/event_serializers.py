"""GET /events, whose objects are also the bodies of webhooks, and the webhooks themselves."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from accounts.api.pagination import LIMIT
from accounts.api.serializers import (
    StrictBooleanField,
    StrictCharField,
    StrictChoiceField,
    StrictListField,
    StrictSerializer,
    StrictWordsField,
    UTCMillisField,
    joi_error,
)
from posts.api.serializers import ChannelSerializer
from scheduling.api.serializers import ReviewSerializer, ScheduledPostSerializer
from scheduling.domain.event_feed import OF_KINDS, TYPES
from scheduling.domain.notifications import webhooks


@extend_schema_field(serializers.ListField(child=serializers.ChoiceField(TYPES)))
class TypesField(StrictWordsField):
    """Comma-separated types of events, in one parameter or several; returned as a list."""

    words = TYPES

    def to_internal_value(self, data: Any) -> Any:
        text = super().to_internal_value(data)
        types = [word.strip() for word in text.split(",") if word.strip()]
        if not types or set(types) - set(TYPES):
            message = f"must be one of [{', '.join(TYPES)}]"
            raise ValidationError([joi_error("any.only", message, value=data, valids=TYPES)])
        return types


class EventsQuery(StrictSerializer):
    after = StrictCharField(required=False, help_text="The `nextCursor` of the page before.")
    types = TypesField(
        required=False, help_text="Types of events: the parameter is repeated, or holds several separated by commas."
    )
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


SUBSCRIBED = sorted({OF_KINDS[kind] for kind in webhooks.WANTED})


class UpdateWebhookSerializer(StrictSerializer):
    url = StrictCharField(max_length=webhooks.LONGEST, required=False, help_text="A public https URL.")
    types = StrictListField(
        child=StrictChoiceField(SUBSCRIBED),
        min_length=1,
        required=False,
        help_text="The types of events that are sent. `post.failed` includes `post.late`.",
    )
    active = StrictBooleanField(required=False, help_text="Nothing is sent to an inactive webhook.")


class CreateWebhookSerializer(StrictSerializer):
    url = StrictCharField(max_length=webhooks.LONGEST, help_text="A public https URL.")
    types = StrictListField(
        child=StrictChoiceField(SUBSCRIBED),
        min_length=1,
        help_text="The types of events that are sent. `post.failed` includes `post.late`.",
    )


class WebhookSerializer(serializers.Serializer[Any]):
    """A URL that events are sent to."""

    id = serializers.UUIDField(help_text="Its id.")
    url = serializers.CharField(help_text="The URL.")
    types = serializers.ListField(child=serializers.ChoiceField(SUBSCRIBED), help_text="The types that are sent.")
    active = serializers.BooleanField(help_text="Nothing is sent to an inactive webhook.")
    createdAt = UTCMillisField(help_text="When it was added.")


class WebhookWithSecretSerializer(WebhookSerializer):
    """A webhook with its secret, which is not shown again."""

    secret = serializers.CharField(help_text="Signs the requests; see docs/webhooks.md.")
