"""Request and response serializers of scheduled posts. The domain decides whether a post is publishable."""

from typing import Any, cast

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from accounts.api.openapi import RuleErrorSerializer
from accounts.api.pagination import PaginationQuery
from accounts.api.serializers import (
    StrictBooleanField,
    StrictCharField,
    StrictChoiceField,
    StrictDateTimeField,
    StrictDictField,
    StrictListField,
    StrictSerializer,
    StrictWordsField,
    UTCMillisField,
    joi_error,
)
from posts.api.serializers import DayOrDateTimeField, SuperpowerSerializer
from posts.models import ChannelType, PostType
from scheduling.domain import text_rules, validation
from scheduling.domain.drafts import Changes, ChannelText, Medium
from scheduling.domain.search import MAX_LENGTH
from scheduling.lifecycle import Status
from scheduling.models import DeliveryState, MediaType

OPTIONAL: dict[str, Any] = {"allow_null": True, "required": False}
ALT_TEXT: dict[str, Any] = {
    **OPTIONAL,
    "max_length": validation.ALT_TEXT,
    "allow_blank": True,
    "help_text": "Alternative text of the image.",
}
ONE_MEDIUM = ("media", "mediaType", "altText")  # fields that describe a single medium


@extend_schema_field(serializers.ChoiceField(ChannelType.choices))
class MediumTypeField(StrictCharField):
    """A type of channels. The domain refuses one that is not the channel's with 400, as it does an unknown channel."""


class ChannelContentSerializer(StrictSerializer):
    mediumType = MediumTypeField(source="medium_type", help_text="The channel's type; must match the channel id.")
    caption = StrictCharField(required=False, allow_blank=True, help_text="The text on this channel.")
    superpower = SuperpowerSerializer(
        required=False, allow_null=True, help_text="A superpower by reference (`creativeTemplateId`) or whole."
    )


class MediaItemSerializer(StrictSerializer):
    url = StrictCharField(max_length=2048, help_text="The URL of publicly hosted media. On a draft any text.")
    mediaType = StrictChoiceField(
        MediaType.choices, source="media_type", **OPTIONAL, help_text="Detected from the media if omitted."
    )
    altText = StrictCharField(source="alt_text", **ALT_TEXT)


class MetadataField(StrictDictField):
    """At most 20 pairs of a name of up to 40 characters and a text of up to 500."""

    max_pairs, max_name = 20, 40
    child: StrictCharField

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=StrictCharField(max_length=500, allow_blank=True), **kwargs)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if not isinstance(data, dict):
            self.fail("not_a_dict", input_type=type(data).__name__)
        if len(data) > self.max_pairs:
            message = f"must have less than or equal to {self.max_pairs} keys"
            raise ValidationError([joi_error("object.max", message, limit=self.max_pairs)])
        long = {
            name: [joi_error("string.max", "must have a shorter name", limit=self.max_name)]
            for name in data
            if not 0 < len(name) <= self.max_name
        }
        if long:
            raise ValidationError(long)
        value: dict[str, str] = super().to_internal_value(data)
        return value


class PostContentSerializer(StrictSerializer):
    type = StrictChoiceField(PostType.choices, required=False, help_text="What is published.")
    media = StrictCharField(
        max_length=2048,
        allow_blank=True,
        **OPTIONAL,
        help_text="The URL of publicly hosted media. On a draft any text is accepted.",
    )
    mediaType = StrictChoiceField(
        MediaType.choices, source="media_type", **OPTIONAL, help_text="Detected from the file extension if omitted."
    )
    mediaItems = StrictListField(
        child=MediaItemSerializer(),
        min_length=validation.CAROUSEL_ITEMS[0],
        max_length=validation.CAROUSEL_ITEMS[1],
        source="media_items",
        **OPTIONAL,
        help_text="Two to ten media instead of `media`: a carousel on Instagram, several photos on a Page.",
    )
    altText = StrictCharField(source="alt_text", **ALT_TEXT)
    isAiGenerated = StrictBooleanField(
        source="is_ai_generated",
        required=False,
        help_text="Whether Instagram labels it as made with AI. Facebook has no such label.",
    )
    scheduledFor = StrictDateTimeField(
        source="scheduled_for", **OPTIONAL, help_text="When it is published: ISO 8601 with `Z` or an offset."
    )
    channels = StrictDictField(
        child=ChannelContentSerializer(), required=False, help_text="The channels, by id, each with its text."
    )
    brief = StrictCharField(
        max_length=10_000,
        allow_blank=True,
        **OPTIONAL,
        help_text="Note for the reviewer (internal), never published.",
    )

    externalId = StrictCharField(
        max_length=200,
        source="external_id",
        **OPTIONAL,
        help_text="Your own id of the post, unique in the organization over all states.",
    )
    metadata = MetadataField(
        required=False, help_text="Your own texts by name: at most 20. Never published; the reviewer sees them."
    )

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Refuse the fields of a single medium beside `mediaItems`."""
        several = isinstance(data, dict) and data.get("mediaItems") is not None
        beside = [name for name in ONE_MEDIUM if several and data.get(name)]
        errors: dict[str, Any] = {
            name: [joi_error("object.unknown", "is not allowed beside mediaItems")] for name in beside
        }
        try:
            value = super().to_internal_value(data)
        except ValidationError as error:
            if not isinstance(error.detail, dict):
                raise
            errors |= error.detail
        if errors:
            raise ValidationError(errors)
        return value


class CreatePostSerializer(PostContentSerializer):
    status = StrictChoiceField(
        [Status.DRAFT.value, Status.WAITING_FOR_APPROVAL.value],
        required=False,
        help_text="`WAITING_FOR_APPROVAL` submits it at once. Default `DRAFT`.",
    )


class UpdatePostSerializer(PostContentSerializer):
    status = StrictChoiceField([Status.DRAFT.value], required=False, help_text="The step from REJECTED back to DRAFT.")


class RejectSerializer(StrictSerializer):
    notes = StrictCharField(max_length=10_000, help_text="What the author should change. Not blank.")

    def validate_notes(self, value: str) -> str:
        return _visible(value)


def _visible(text: str) -> str:
    """Return the text. Raises ValidationError, as for a blank one, when it has invisible characters only."""
    if not text_rules.is_visible(text):
        raise ValidationError([joi_error("string.empty", "is not allowed to be empty", value=text)])
    return text


class ReasonSerializer(StrictSerializer):
    """An optional body. Other fields are ignored, because clients of the reference product may send any body."""

    keep_unknown = True
    reason = StrictCharField(
        max_length=1000,
        required=False,
        help_text="Why: the approver of a scheduled post is notified with it, and the history has it.",
    )

    def validate_reason(self, value: str) -> str:
        return _visible(value)


@extend_schema_field(serializers.ListField(child=serializers.ChoiceField(Status.choices)))
class StatusesField(StrictWordsField):
    """Comma-separated states, in one parameter or several; returned as a list."""

    words = Status.values

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
    status = StatusesField(
        required=False, help_text="States: the parameter is repeated, or holds several separated by commas."
    )
    channelId = StrictCharField(required=False, help_text="Posts on this channel.")
    # `from` is a keyword of Python's.
    locals()["from"] = DayOrDateTimeField(
        required=False, help_text="Posts scheduled for this time or day, or later. A day is the whole day in UTC."
    )
    to = DayOrDateTimeField(required=False, help_text="Posts scheduled for this time or day, or earlier.")
    updatedSince = StrictDateTimeField(required=False, help_text="Posts that were changed at this time or later.")
    externalId = StrictCharField(required=False, help_text="The post with this id of yours.")
    q = StrictCharField(
        required=False, max_length=MAX_LENGTH, help_text="Words of a caption, each at least as the beginning of one."
    )


class DeliveryErrorSerializer(serializers.Serializer[Any]):
    """Why the post is not published on a channel."""

    code = serializers.CharField(help_text="The platform's error code, or one of Dynamo's, such as `MISSED`.")
    message = serializers.CharField(help_text="The reason, as a sentence.")


class OutcomeSerializer(serializers.Serializer[Any]):
    """The result of publishing on a channel."""

    state = serializers.ChoiceField(
        DeliveryState.choices, help_text="UNKNOWN: a person has to check the channel; it is not sent again."
    )
    postId = serializers.CharField(allow_null=True, help_text="Its id on the platform.")
    permalink = serializers.CharField(allow_null=True, help_text="Its public URL.")
    publishedAt = UTCMillisField(allow_null=True, help_text="When it was published.")
    error = DeliveryErrorSerializer(allow_null=True, help_text="Why it is not published.")


class MediumSerializer(serializers.Serializer[Any]):
    """A channel of the post."""

    mediumType = serializers.ChoiceField(ChannelType.choices, help_text="The channel's type.")
    caption = serializers.CharField(help_text="The text on this channel.")
    superpower = SuperpowerSerializer(
        allow_null=True, help_text="The whole superpower, whether it was sent whole or by reference."
    )
    outcome = OutcomeSerializer(allow_null=True, help_text="The result; null until publishing begins.")


@extend_schema_field(MediumSerializer)
class MediumField(serializers.JSONField):
    """One value of `mediumsData`."""


class ActorSerializer(serializers.Serializer[Any]):
    """An API key or a person."""

    kind = serializers.ChoiceField(["API_KEY", "USER"], help_text="An API key or a person.")
    id = serializers.CharField(help_text="The id of the key or the person.")
    name = serializers.CharField(help_text="The name of the key or the person.")


class ReviewSerializer(serializers.Serializer[Any]):
    """A reviewer's decision on the post."""

    decision = serializers.ChoiceField(["APPROVED", "REJECTED"], help_text="What was decided.")
    by = ActorSerializer(help_text="Who decided.")
    at = UTCMillisField(help_text="When it was decided.")
    version = serializers.IntegerField(help_text="The version that was decided on.")
    notes = serializers.CharField(allow_null=True, help_text="The notes of a rejection.")
    correctedBy = ActorSerializer(
        allow_null=True, help_text="The reviewer whose correction of a caption the approved content contains."
    )


class CheckSerializer(serializers.Serializer[Any]):
    """One check of the review page."""

    code = serializers.CharField(help_text="For programs, for example `caption.length`.")
    severity = serializers.ChoiceField(
        ["BLOCKER", "WARNING", "PASSED", "PENDING"],
        help_text="BLOCKER: approving is refused. WARNING: a person should look. PENDING: not checked yet.",
    )
    message = serializers.CharField(help_text="A sentence for the reviewer.")
    channelId = serializers.CharField(allow_null=True, help_text="The channel that it concerns; null for all.")


class ScheduledPostSerializer(serializers.Serializer[Any]):
    """A scheduled post, the same in every response. `channels` of a request are `mediumsData` in a response."""

    id = serializers.UUIDField(help_text="Its id.")
    orgId = serializers.UUIDField(help_text="The organization.")
    type = serializers.ChoiceField(PostType.choices, help_text="What is published.")
    status = serializers.ChoiceField(Status.choices, help_text="Its state in the lifecycle.")
    media = serializers.CharField(allow_null=True, help_text="The media's URL.")
    mediaType = serializers.ChoiceField(MediaType.choices, allow_null=True, help_text="What the media is.")
    mediaItems = MediaItemSerializer(
        many=True, allow_null=True, help_text="Several media in order; `media` is then the first one's URL. Else null."
    )
    altText = serializers.CharField(allow_null=True, help_text="Alternative text of a single image.")
    isAiGenerated = serializers.BooleanField(help_text="Whether Instagram labels it as made with AI.")
    scheduledFor = UTCMillisField(allow_null=True, help_text="When it is published.")
    taskId = serializers.UUIDField(allow_null=True, help_text="The pending publish task; null when there is none.")
    mediumsData = serializers.DictField(child=MediumField(), help_text="Text and result by channel id.")
    notes = serializers.CharField(
        allow_null=True, help_text="The notes of the last rejection; null from the next submit."
    )
    review = ReviewSerializer(allow_null=True, help_text="The last decision; null before the first.")
    checks = CheckSerializer(
        many=True, allow_null=True, help_text="What the reviewer is shown. Null in lists and events."
    )
    externalId = serializers.CharField(allow_null=True, help_text="Your own id of the post.")
    metadata = serializers.DictField(child=serializers.CharField(), help_text="Your own texts by name.")
    brief = serializers.CharField(allow_null=True, help_text="Note for the reviewer (internal), never published.")
    createdBy = ActorSerializer(allow_null=True, help_text="Who created it.")
    updatedBy = ActorSerializer(allow_null=True, help_text="Who changed its content last.")
    createdAt = UTCMillisField(help_text="When it was created.")
    updatedAt = UTCMillisField(help_text="When it was last changed.")
    version = serializers.IntegerField(help_text="Counts changes of its content; `If-Match` takes it.")


class ValidationResultSerializer(serializers.Serializer[Any]):
    """What a submit would refuse, and what a reviewer would be warned of."""

    valid = serializers.BooleanField(help_text="Whether a submit would be accepted.")
    violations = RuleErrorSerializer(many=True, help_text="What would be refused.")
    warnings = CheckSerializer(many=True, help_text="What a reviewer would be warned of.")
    mediaChecked = serializers.BooleanField(
        help_text="Whether the media were inspected: they are, when they were uploaded before."
    )


class MessageSerializer(serializers.Serializer[Any]):
    """A confirmation."""

    message = serializers.CharField(help_text="What happened.")


def changes(given: dict[str, Any]) -> Changes:
    """Return a validated body as `Changes`, without `status`, which is a transition."""
    fields = {name: value for name, value in given.items() if name != "status"}
    if fields.get("media_items"):
        fields["media_items"] = [
            Medium(item["url"], item.get("media_type"), item.get("alt_text") or "") for item in fields["media_items"]
        ]
    if "alt_text" in fields:
        fields["alt_text"] = fields["alt_text"] or ""
    if "channels" in fields:
        fields["channels"] = {public_id: ChannelText(**text) for public_id, text in fields["channels"].items()}
    return cast("Changes", fields)
