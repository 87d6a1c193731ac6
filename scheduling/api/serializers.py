"""What clients send about scheduled posts, and what they receive.

Strict in shape; whether a post is publishable is decided by the domain.
"""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from accounts.api.pagination import PaginationQuery
from accounts.api.serializers import (
    StrictCharField,
    StrictChoiceField,
    StrictDateTimeField,
    StrictDictField,
    StrictSerializer,
    UTCMillisField,
    joi_error,
)
from posts.api.serializers import SuperpowerSerializer
from posts.models import ChannelType, PostType
from scheduling.domain.drafts import Changes, ChannelText
from scheduling.lifecycle import Status
from scheduling.models import DeliveryState, MediaType


class ChannelContentSerializer(StrictSerializer):
    mediumType = StrictCharField(source="medium_type", help_text="The channel's type; it must be what the id says.")
    caption = StrictCharField(required=False, allow_blank=True, help_text="What is said there.")
    superpower = SuperpowerSerializer(
        required=False, allow_null=True, help_text="A superpower by reference (`creativeTemplateId`) or whole."
    )


class PostContentSerializer(StrictSerializer):
    type = StrictChoiceField(PostType.values, required=False, help_text="What is published.")
    media = StrictCharField(
        max_length=2048,
        allow_blank=True,
        allow_null=True,
        required=False,
        help_text="The URL of publicly hosted media. On a draft any text will do.",
    )
    mediaType = StrictChoiceField(
        MediaType.values,
        source="media_type",
        allow_null=True,
        required=False,
        help_text="What the media is; else its file name says.",
    )
    scheduledFor = StrictDateTimeField(
        source="scheduled_for",
        allow_null=True,
        required=False,
        help_text="When it goes out: ISO-8601 with `Z` or an offset.",
    )
    channels = StrictDictField(
        child=ChannelContentSerializer(), required=False, help_text="Where it goes out: what is said, by channel id."
    )
    brief = StrictCharField(
        max_length=10_000,
        allow_blank=True,
        allow_null=True,
        required=False,
        help_text="For the reviewer alone, never published: what the post is for.",
    )


class CreatePostSerializer(PostContentSerializer):
    status = StrictChoiceField(
        [Status.DRAFT.value, Status.WAITING_FOR_APPROVAL.value],
        required=False,
        help_text="`WAITING_FOR_APPROVAL` hands it over at once. Default `DRAFT`.",
    )


class UpdatePostSerializer(PostContentSerializer):
    """All fields optional; `status` may only name the step from REJECTED back to DRAFT."""

    status = StrictChoiceField([Status.DRAFT.value], required=False, help_text="The step from REJECTED back to DRAFT.")


class RejectSerializer(StrictSerializer):
    notes = StrictCharField(help_text="What is to be changed. Not blank.")


class StatusesField(StrictCharField):
    """Comma-separated states; returned as a list."""

    def to_internal_value(self, data: Any) -> Any:
        text = super().to_internal_value(data)
        if not text.strip():
            self.fail("blank")  # validators run later, on the list
        statuses = [word.strip() for word in text.split(",")]
        if set(statuses) - set(Status.values):
            message = f"must be one of [{', '.join(Status.values)}]"
            raise ValidationError([joi_error("any.only", message, value=data, valids=Status.values)])
        return statuses


class ScheduledPostsQuery(PaginationQuery):
    status = StatusesField(required=False, help_text=f"States, separated by commas: {', '.join(Status.values)}.")


class DeliveryErrorSerializer(serializers.Serializer[Any]):
    """Why a channel is not live."""

    code = serializers.CharField(help_text="For programs: the platform's own, or `MISSED`.")
    message = serializers.CharField(help_text="A sentence.")


class OutcomeSerializer(serializers.Serializer[Any]):
    """What became of the post on a channel."""

    state = serializers.ChoiceField(
        DeliveryState.choices, help_text="How far it has come. UNKNOWN: a person finds out, nothing is sent again."
    )
    postId = serializers.CharField(allow_null=True, help_text="Its id on the platform.")
    permalink = serializers.CharField(allow_null=True, help_text="Where people see it.")
    publishedAt = UTCMillisField(allow_null=True, help_text="When it went live.")
    error = DeliveryErrorSerializer(allow_null=True, help_text="Why it is not live.")


class MediumSerializer(serializers.Serializer[Any]):
    """What is said on a channel. `outcome` is null until publishing begins."""

    mediumType = serializers.ChoiceField(ChannelType.choices, help_text="Which platform.")
    caption = serializers.CharField(help_text="What is said.")
    superpower = SuperpowerSerializer(
        allow_null=True, help_text="The whole superpower, whether it was sent whole or by reference."
    )
    outcome = OutcomeSerializer(allow_null=True, help_text="What became of it; null until publishing begins.")


@extend_schema_field(MediumSerializer)
class MediumField(serializers.JSONField):
    """One value of `mediumsData`."""


class CreatorSerializer(serializers.Serializer[Any]):
    """Who wrote the post."""

    kind = serializers.ChoiceField(["API_KEY", "USER"], help_text="A key or a person.")
    id = serializers.CharField(help_text="Its or their id.")
    name = serializers.CharField(help_text="What people call it or them.")


class ScheduledPostSerializer(serializers.Serializer[Any]):
    """A scheduled post, the same in every answer. `channels` goes in, `mediumsData` comes out."""

    id = serializers.UUIDField(help_text="Its id.")
    orgId = serializers.UUIDField(help_text="The organization.")
    type = serializers.ChoiceField(PostType.choices, help_text="What is published.")
    status = serializers.ChoiceField(Status.choices, help_text="Where it is in its lifecycle.")
    media = serializers.CharField(allow_null=True, help_text="The media's URL.")
    mediaType = serializers.ChoiceField(MediaType.choices, allow_null=True, help_text="What the media is.")
    scheduledFor = UTCMillisField(allow_null=True, help_text="When it goes out.")
    taskId = serializers.UUIDField(allow_null=True, help_text="The pending publish task; null when there is none.")
    mediumsData = serializers.DictField(
        child=MediumField(), help_text="What is said where, and what became of it, by channel id."
    )
    notes = serializers.CharField(allow_null=True, help_text="Those of the last rejection.")
    brief = serializers.CharField(allow_null=True, help_text="What the reviewer is told about it.")
    createdBy = CreatorSerializer(allow_null=True, help_text="Who wrote it.")
    createdAt = UTCMillisField(help_text="When it was written.")
    updatedAt = UTCMillisField(help_text="When it changed last.")
    version = serializers.IntegerField(help_text="Counts changes of its content; `If-Match` takes it.")


class MessageSerializer(serializers.Serializer[Any]):
    """A sentence."""

    message = serializers.CharField(help_text="What happened.")


def changes(given: dict[str, Any]) -> Changes:
    """Return a validated body as the domain takes it, without `status`, which is a step and not content."""
    fields = {name: value for name, value in given.items() if name != "status"}
    if "channels" in fields:
        fields["channels"] = {public_id: ChannelText(**text) for public_id, text in fields["channels"].items()}
    found: Changes = fields  # type: ignore[assignment]  # the shape has the keys and types of Changes
    return found
