"""What clients send about posts, and what they receive: superpowers, filters, published posts and comments."""

import re
from datetime import timedelta
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.json_rows import JSONRowWriter, StoredJSONField
from accounts.api.pagination import PaginationQuery
from accounts.api.serializers import (
    AnyJSONField,
    StrictBooleanField,
    StrictCharField,
    StrictChoiceField,
    StrictDateTimeField,
    StrictIntegerField,
    StrictListField,
    StrictNumberField,
    StrictSerializer,
    UTCMillisField,
)
from posts.domain import media_store
from posts.graph.comments import Author, Comment
from posts.graph.insights import Metric
from posts.models import Channel, ChannelType, MediaFile, MediaKind, PostType, PublishedPost

DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
TEXT: Any = {"required": False, "allow_null": True, "allow_blank": True}  # an optional text of a superpower
PUBLISHED_MEDIA = ["IMAGE", "VIDEO", "CAROUSEL", "TEXT"]
PROBABILITY: Any = {"required": False, "min_value": 0, "max_value": 1}


class LenientSerializer(StrictSerializer):
    """Part of a superpower: known fields are validated, unknown ones are kept."""

    keep_unknown = True


class UserPropertySerializer(LenientSerializer):
    """What is known about the user; stored as sent."""


class ConditionSerializer(LenientSerializer):
    conditionType = StrictChoiceField(["USER_ACTION"], required=False, help_text="What the condition is about.")
    userActionType = StrictChoiceField(["COMMENTED"], required=False, help_text="The user's action.")
    values = StrictListField(
        child=StrictCharField(),
        min_length=1,
        required=False,
        help_text="The words to match; `any` matches every comment. At least one.",
    )
    aiValues = StrictListField(child=AnyJSONField(), required=False, help_text="Suggested words, stored as sent.")
    logicalCondition = StrictChoiceField(
        ["ANY_VALUE"], required=False, allow_null=True, help_text="How the values are combined."
    )
    userProperty = UserPropertySerializer(required=False, allow_null=True, help_text="About the user; stored as sent.")


class RedirectSerializer(LenientSerializer):
    id = StrictCharField(required=False, help_text="Its id.")
    text = StrictCharField(**TEXT, help_text="The button's label.")
    description = StrictCharField(**TEXT, help_text="The text below the button.")
    url = StrictCharField(**TEXT, help_text="The button's target.")
    d10xUrl = StrictCharField(**TEXT, help_text="The URL that counts clicks.")


class ReplySerializer(LenientSerializer):
    id = StrictCharField(required=False, help_text="Its id.")
    scope = StrictChoiceField(["PUBLIC", "PRIVATE"], required=False, help_text="Below the comment, or as a message.")
    broadcastMessageType = StrictChoiceField(["REGULAR"], required=False, help_text="The type of the message.")
    text = StrictCharField(**TEXT, help_text="The reply; `@[mention_user]` is replaced by the commenter's name.")
    mediaUrl = StrictCharField(**TEXT, help_text="An image or video to send with it.")
    mediaType = StrictCharField(**TEXT, help_text="The type of that media.")
    attachmentId = StrictCharField(**TEXT, help_text="The platform's id of the attachment.")
    like = StrictBooleanField(required=False, help_text="Whether the comment is liked as well.")
    subtitle = StrictCharField(**TEXT, help_text="A second line.")
    isAIGenerated = StrictBooleanField(required=False, help_text="Whether the text is generated.")
    isAiGeneratedEdited = StrictBooleanField(required=False, help_text="Whether a person edited the generated text.")
    active = StrictBooleanField(required=False, help_text="Whether it is used.")
    redirects = StrictListField(child=RedirectSerializer(), required=False, help_text="Buttons with links.")


class ConditionGroupSerializer(LenientSerializer):
    groupId = StrictCharField(required=False, help_text="Its id.")
    name = StrictCharField(**TEXT, help_text="Its name.")
    autoLike = StrictBooleanField(required=False, help_text="Whether comments are liked.")
    autoLikeProbability = StrictNumberField(**PROBABILITY, help_text="The probability of a like, from 0 to 1.")
    probability = StrictNumberField(**PROBABILITY, help_text="The probability that the group applies, from 0 to 1.")
    publicRepliesProbability = StrictNumberField(
        **PROBABILITY, help_text="The probability of a public reply, from 0 to 1."
    )
    conditions = StrictListField(child=ConditionSerializer(), required=False, help_text="When the group applies.")
    publicReplies = StrictListField(
        child=ReplySerializer(), required=False, help_text="Replies below the comment, of which one is used."
    )
    privateReplies = StrictListField(
        child=ReplySerializer(), required=False, help_text="Replies by message, of which one is used."
    )


class SuperpowerSerializer(LenientSerializer):
    """A superpower by reference or inline. The required fields of an inline one are checked by the domain."""

    creativeTemplateId = StrictCharField(
        required=False, allow_null=True, help_text="The referenced template; other fields override those of it."
    )
    creativeTemplateName = StrictCharField(**TEXT, help_text="The template's name.")
    id = StrictCharField(required=False, help_text="Its id.")
    name = StrictCharField(required=False, max_length=200, help_text="Its name. Required inline.")
    active = StrictBooleanField(required=False, help_text="Whether it is switched on.")
    hashtag = StrictCharField(
        required=False, max_length=100, help_text="Its hashtag, unique in the organization. Required inline."
    )
    lookupHashtag = StrictCharField(**TEXT, help_text="The normalized hashtag: without `#`, case-folded.")
    thumbnail = StrictCharField(**TEXT, help_text="An image of it.")
    notes = StrictCharField(**TEXT, help_text="For users.")
    note = StrictCharField(**TEXT, help_text="For users.")
    caption = StrictCharField(**TEXT, help_text="A suggested caption.")
    expirationDate = StrictNumberField(
        required=False, allow_null=True, help_text="When it ends, in milliseconds since 1970."
    )
    templateType = StrictChoiceField(
        ["GENERAL", "CONDITIONAL"], required=False, help_text="Whether it has conditions. Required inline."
    )
    conditionalTemplateType = StrictChoiceField(
        ["MIX_MATCH", "GENERAL"], required=False, help_text="How the groups are combined. Required with conditions."
    )
    conditionGroups = StrictListField(
        child=ConditionGroupSerializer(),
        required=False,
        help_text="The conditions and their replies. With conditions at least one group, each with a reply.",
    )


@extend_schema_field({"type": "string", "anyOf": [{"format": "date"}, {"format": "date-time"}]})
class DayOrDateTimeField(StrictDateTimeField):
    """A time, or a date for the whole day in UTC. Returns the half-open range [start, end).

    The range of a time is one millisecond, the precision of the API.
    """

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str) and DAY.fullmatch(data):
            day = super().to_internal_value(f"{data}T00:00:00Z")
            return day, day + timedelta(days=1)
        time = super().to_internal_value(data)
        start = time.replace(microsecond=time.microsecond // 1000 * 1000)
        return start, start + timedelta(milliseconds=1)


class FetchMediaSerializer(StrictSerializer):
    url = StrictCharField(max_length=2048, help_text="The URL of publicly hosted media; it is fetched once.")


class UploadMediaSerializer(serializers.Serializer[Any]):
    """The multipart body of an upload."""

    file = serializers.FileField(help_text="An image of up to 32 MiB, or a video of up to 1 GiB.")


class MediaFileSerializer(serializers.Serializer[MediaFile]):
    """A stored image or video. Size and hash are those of the stored copy: an image becomes a JPEG."""

    id = serializers.UUIDField(help_text="Its id.")
    url = serializers.SerializerMethodField(help_text="What `media` and `mediaItems` take.")
    mediaType = serializers.ChoiceField(MediaKind.choices, source="kind", help_text="What it is.")
    sha256 = serializers.CharField(help_text="SHA-256 of the stored copy, in lowercase hex.")
    bytes = serializers.IntegerField(source="size", help_text="Size of the stored copy.")
    width = serializers.IntegerField(allow_null=True, help_text="Pixels.")
    height = serializers.IntegerField(allow_null=True, help_text="Pixels.")
    durationSeconds = serializers.FloatField(source="seconds", allow_null=True, help_text="Of a video.")

    def get_url(self, media_file: MediaFile) -> str:
        return media_store.stable_url(media_file)


class ChannelsQuery(PaginationQuery):
    workspaceId = StrictCharField(
        required=False, allow_blank=True, help_text="A workspace. Dynamo has none, so each one is refused with 400."
    )


class PostsQuery(PaginationQuery):
    mediumId = StrictCharField(required=False, help_text="One channel's id; without it, all channels.")
    type = StrictChoiceField(PostType.values, required=False, help_text="Only posts of this type.")
    startDate = DayOrDateTimeField(
        required=False, help_text="Posts published at this time or day, or later. A day is the whole day in UTC."
    )
    endDate = DayOrDateTimeField(required=False, help_text="Posts published at this time or day, or earlier.")


class PostQuery(StrictSerializer):
    mediumId = StrictCharField(help_text="The id of the post's channel.")


class CommentsQuery(PostQuery):
    limit = StrictIntegerField(min_value=1, max_value=100, default=25, help_text="Comments per page.")
    after = StrictCharField(required=False, help_text="The `nextCursor` of the page before.")


class ExportQuery(PostQuery):
    delivery = StrictChoiceField(["url"], required=False, help_text="`url`: store the file and return a link to it.")


@extend_schema_field(serializers.DictField(child=serializers.IntegerField()))
class CountsField(StoredJSONField):
    """Counts by name."""


@extend_schema_field(SuperpowerSerializer)
class PublishedSuperpowerField(StoredJSONField):
    """The stored superpower of a published post."""


class MetricsSerializer(serializers.Serializer[PublishedPost]):
    """The platform's counters; null is unknown."""

    likes = serializers.IntegerField(allow_null=True, help_text="Likes.")
    comments = serializers.IntegerField(allow_null=True, help_text="Comments.")
    shares = serializers.IntegerField(allow_null=True, help_text="Shares.")
    reactions = CountsField(allow_null=True, help_text="Counts by name, for example `like` and `love`.")


class PublishedPostSerializer(serializers.Serializer[PublishedPost]):
    """A post that is published on a channel. Values that the platform did not return are null, never missing."""

    id = serializers.CharField(source="platform_id", help_text="Its id on the platform.")
    mediumId = serializers.CharField(source="channel.public_id", help_text="The channel that it is published on.")
    mediumType = serializers.ChoiceField(ChannelType.choices, source="channel.type", help_text="The channel's type.")
    type = serializers.ChoiceField(PostType.choices, help_text="What it is.")
    caption = serializers.CharField(allow_null=True, help_text="Its text.")
    mediaUrl = serializers.CharField(
        source="media_url", allow_null=True, help_text="The platform's URL of its media; it changes."
    )
    mediaType = serializers.ChoiceField(
        PUBLISHED_MEDIA, source="media_type", allow_null=True, help_text="What its media are; `TEXT` has none."
    )
    thumbnailUrl = serializers.CharField(source="thumbnail_url", allow_null=True, help_text="A still image of a video.")
    permalink = serializers.CharField(allow_null=True, help_text="Its page on the platform.")
    publishedAt = UTCMillisField(source="published_at", help_text="When it was published.")
    metrics = MetricsSerializer(source="*", help_text="The platform's counters at the last sync.")
    superpower = PublishedSuperpowerField(allow_null=True, help_text="The superpower of its scheduled post.")
    scheduledPostId = serializers.UUIDField(
        source="scheduled_post_id",
        allow_null=True,
        help_text="The scheduled post that it was published from, also a deleted one; null when not ours.",
    )


PUBLISHED = JSONRowWriter(PublishedPostSerializer)


@extend_schema_field(
    {"oneOf": [{"type": "number"}, {"type": "object", "additionalProperties": {"type": "number"}, "title": "ByKind"}]}
)
class FigureField(serializers.JSONField):
    """A number, or numbers by kind."""


class FigureSerializer(serializers.Serializer[Metric]):
    """A metric. Its value is a number, or an object of numbers by kind."""

    name = serializers.CharField(help_text="The platform's name of the metric.")
    period = serializers.CharField(allow_null=True, help_text="The period, for example `lifetime`.")
    title = serializers.CharField(allow_null=True, help_text="Its title for users.")
    description = serializers.CharField(allow_null=True, help_text="What it counts.")
    value = FigureField(help_text="A number, or an object of numbers by kind.")


class AuthorSerializer(serializers.Serializer[Author]):
    """The author, as far as the platform returns it."""

    id = serializers.CharField(allow_null=True, help_text="The author's id, which is valid for this channel only.")
    name = serializers.CharField(allow_null=True, help_text="The author's name.")


class CommentSerializer(serializers.Serializer[Comment]):
    """A comment, or with `parentId` a reply to one. Values that the platform did not return are null."""

    id = serializers.CharField(help_text="Its id on the platform.")
    parentId = serializers.CharField(
        source="parent_id",
        allow_null=True,
        help_text="The comment that this replies to; null for one on the post itself.",
    )
    text = serializers.CharField(allow_blank=True, help_text="The comment.")
    createdAt = UTCMillisField(source="created_at", allow_null=True, help_text="When it was written.")
    author = AuthorSerializer(allow_null=True, help_text="Who wrote it; null when unknown.")
    likes = serializers.IntegerField(allow_null=True, help_text="Number of likes.")
    replies = serializers.IntegerField(allow_null=True, help_text="Number of replies.")
    hidden = serializers.BooleanField(allow_null=True, help_text="Whether it is hidden from the public.")


class ChannelSerializer(serializers.Serializer[Channel]):
    """A connected Facebook Page or Instagram account."""

    id = serializers.CharField(source="public_id", help_text="The type and the id on the platform.")
    type = serializers.ChoiceField(ChannelType.choices, help_text="Its platform.")
    name = serializers.CharField(help_text="Its name.")


class UnavailableMetricSerializer(serializers.Serializer[Any]):
    """A metric that the platform does not give, and why."""

    name = serializers.CharField(help_text="The metric.")
    reason = serializers.CharField(help_text="A sentence.")


class InsightsSerializer(serializers.Serializer[Any]):
    """A post's metrics, read from the platform at this call."""

    postId = serializers.CharField(help_text="The post.")
    mediumId = serializers.CharField(help_text="Its channel.")
    insights = FigureSerializer(many=True, help_text="The metrics that the platform returned.")
    unavailable = UnavailableMetricSerializer(many=True, help_text="The others, with the reason.")
    fetchedAt = UTCMillisField(help_text="When they were read.")


class CommentPageSerializer(serializers.Serializer[Any]):
    """A page of comments, read from the platform at this call."""

    items = CommentSerializer(many=True, help_text="The comments.")
    returned = serializers.IntegerField(help_text="Number of these comments.")
    mayHaveMore = serializers.BooleanField(help_text="Whether there may be another page.")
    nextCursor = serializers.CharField(
        allow_null=True, help_text="The value of `after` for the next page; null on the last one."
    )


class ExportSerializer(serializers.Serializer[Any]):
    """With `delivery=url`: where the file is until the link expires."""

    totalCount = serializers.IntegerField(help_text="Number of comments in the file.")
    csvUrl = serializers.URLField(help_text="A signed link that expires. Anyone with the link can read the file.")
