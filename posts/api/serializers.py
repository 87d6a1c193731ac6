"""What clients send about posts, and what they receive: superpowers, filters, published posts and comments."""

import re
from datetime import timedelta
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.json_rows import JSONRowWriter
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
from posts.graph.comments import Author, Comment
from posts.graph.insights import Metric
from posts.models import Channel, ChannelType, PostType, PublishedPost

DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
TEXT: Any = {"required": False, "allow_null": True, "allow_blank": True}  # text that a superpower may lack


class LenientSerializer(StrictSerializer):
    """Part of a superpower: the types of what we know are checked, what we do not know is kept."""

    keep_unknown = True


class ConditionSerializer(LenientSerializer):
    conditionType = StrictChoiceField(["USER_ACTION"], required=False, help_text="What is looked at.")
    userActionType = StrictChoiceField(["COMMENTED"], required=False, help_text="What somebody does.")
    values = StrictListField(
        child=StrictCharField(),
        min_length=1,
        required=False,
        help_text="The words that count; `any` stands for every comment. At least one.",
    )
    aiValues = StrictListField(
        child=AnyJSONField(), required=False, help_text="Words that were suggested, kept as they come."
    )
    logicalCondition = StrictChoiceField(
        ["ANY_VALUE"], required=False, allow_null=True, help_text="How the values are joined."
    )
    userProperty = LenientSerializer(required=False, allow_null=True, help_text="About the person; kept as it comes.")


class RedirectSerializer(LenientSerializer):
    id = StrictCharField(required=False, help_text="Its id.")
    text = StrictCharField(**TEXT, help_text="What the button says.")
    description = StrictCharField(**TEXT, help_text="What stands below it.")
    url = StrictCharField(**TEXT, help_text="Where it leads.")
    d10xUrl = StrictCharField(**TEXT, help_text="The address through which it is counted.")


class ReplySerializer(LenientSerializer):
    id = StrictCharField(required=False, help_text="Its id.")
    scope = StrictChoiceField(["PUBLIC", "PRIVATE"], required=False, help_text="Below the comment, or as a message.")
    broadcastMessageType = StrictChoiceField(["REGULAR"], required=False, help_text="What kind of message.")
    text = StrictCharField(**TEXT, help_text="What is said; `@[mention_user]` becomes who commented.")
    mediaUrl = StrictCharField(**TEXT, help_text="A picture or film that goes along.")
    mediaType = StrictCharField(**TEXT, help_text="What that is.")
    attachmentId = StrictCharField(**TEXT, help_text="The platform's id of what is attached.")
    like = StrictBooleanField(required=False, help_text="Whether the comment is liked as well.")
    subtitle = StrictCharField(**TEXT, help_text="A second line.")
    isAIGenerated = StrictBooleanField(required=False, help_text="Whether a machine wrote it.")
    isAiGeneratedEdited = StrictBooleanField(required=False, help_text="Whether a person edited what a machine wrote.")
    active = StrictBooleanField(required=False, help_text="Whether it is used.")
    redirects = StrictListField(child=RedirectSerializer(), required=False, help_text="Buttons that lead on.")


class ConditionGroupSerializer(LenientSerializer):
    groupId = StrictCharField(required=False, help_text="Its id.")
    name = StrictCharField(**TEXT, help_text="What people call it.")
    autoLike = StrictBooleanField(required=False, help_text="Whether comments are liked.")
    autoLikeProbability = StrictNumberField(
        min_value=0, max_value=1, required=False, help_text="How often, from 0 to 1."
    )
    probability = StrictNumberField(
        min_value=0, max_value=1, required=False, help_text="How often the group acts at all, from 0 to 1."
    )
    publicRepliesProbability = StrictNumberField(
        min_value=0, max_value=1, required=False, help_text="How often it replies in public, from 0 to 1."
    )
    conditions = StrictListField(child=ConditionSerializer(), required=False, help_text="When it acts.")
    publicReplies = StrictListField(
        child=ReplySerializer(), required=False, help_text="Replies below the comment, of which one is taken."
    )
    privateReplies = StrictListField(
        child=ReplySerializer(), required=False, help_text="Replies by message, of which one is taken."
    )


class SuperpowerSerializer(LenientSerializer):
    """A superpower by reference or inline. What an inline one must have is the domain's to say, not its shape's."""

    creativeTemplateId = StrictCharField(
        required=False, allow_null=True, help_text="The template that it refers to; what else is given overlays it."
    )
    creativeTemplateName = StrictCharField(**TEXT, help_text="That template's name.")
    id = StrictCharField(required=False, help_text="Its id.")
    name = StrictCharField(required=False, max_length=200, help_text="What people call it. Needed inline.")
    active = StrictBooleanField(required=False, help_text="Whether it acts.")
    hashtag = StrictCharField(
        required=False, max_length=100, help_text="Its hashtag, once in the organization. Needed inline."
    )
    lookupHashtag = StrictCharField(**TEXT, help_text="The hashtag as it is compared: without `#`, case-folded.")
    thumbnail = StrictCharField(**TEXT, help_text="A picture of it.")
    notes = StrictCharField(**TEXT, help_text="For people.")
    note = StrictCharField(**TEXT, help_text="For people.")
    caption = StrictCharField(**TEXT, help_text="A caption that was suggested with it.")
    expirationDate = StrictNumberField(
        required=False, allow_null=True, help_text="When it ends, in milliseconds since 1970."
    )
    templateType = StrictChoiceField(
        ["GENERAL", "CONDITIONAL"], required=False, help_text="Whether it has conditions. Needed inline."
    )
    conditionalTemplateType = StrictChoiceField(
        ["MIX_MATCH", "GENERAL"], required=False, help_text="How the groups are mixed. Needed when it has conditions."
    )
    conditionGroups = StrictListField(
        child=ConditionGroupSerializer(),
        required=False,
        help_text="Who is answered what. At least one, each with a reply, when it has conditions.",
    )


@extend_schema_field({"type": "string", "anyOf": [{"format": "date"}, {"format": "date-time"}]})
class DayOrDateTimeField(StrictDateTimeField):
    """A time, or a date that stands for the whole day, UTC.

    Returned as the half-open span [first, end) that it covers; a time covers the millisecond that clients see.
    """

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str) and DAY.fullmatch(data):
            day = super().to_internal_value(f"{data}T00:00:00Z")
            return day, day + timedelta(days=1)
        moment = super().to_internal_value(data)
        millisecond = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        return millisecond, millisecond + timedelta(milliseconds=1)


class PostsQuery(PaginationQuery):
    mediumId = StrictCharField(required=False, help_text="One channel's id; without it all channels, merged.")
    type = StrictChoiceField(PostType.values, required=False, help_text="Posts of this type alone.")
    startDate = DayOrDateTimeField(
        required=False, help_text="From this instant or day on, on `publishedAt`. A day is the whole day in UTC."
    )
    endDate = DayOrDateTimeField(required=False, help_text="Until this instant or day, itself included.")


class PostQuery(StrictSerializer):
    mediumId = StrictCharField(help_text="The id of the post's channel.")


class CommentsQuery(PostQuery):
    limit = StrictIntegerField(min_value=1, max_value=100, default=25, help_text="How many at once.")
    after = StrictCharField(required=False, help_text="The `nextCursor` of the page before.")


class ExportQuery(PostQuery):
    delivery = StrictChoiceField(["url"], required=False, help_text="`url`: store the file and answer a link to it.")


class MetricsSerializer(serializers.Serializer[PublishedPost]):
    """What the platform counted; null is unknown."""

    likes = serializers.IntegerField(allow_null=True, help_text="Likes.")
    comments = serializers.IntegerField(allow_null=True, help_text="Comments.")
    shares = serializers.IntegerField(allow_null=True, help_text="Shares.")
    reactions = serializers.JSONField(allow_null=True, help_text="Counts by name, for example `like` and `love`.")


class PublishedPostSerializer(serializers.Serializer[PublishedPost]):
    """A post that is live on a channel. What the platform did not give is null, never missing."""

    id = serializers.CharField(source="platform_id", help_text="Its id on the platform.")
    mediumId = serializers.CharField(source="channel.public_id", help_text="The channel that it is live on.")
    mediumType = serializers.CharField(source="channel.type", help_text="`FB_PAGE` or `INSTAGRAM_ACCOUNT`.")
    type = serializers.CharField(help_text="`POST`, `REEL` or `STORY`.")
    caption = serializers.CharField(allow_null=True, help_text="What it says.")
    mediaUrl = serializers.CharField(
        source="media_url", allow_null=True, help_text="Where the platform serves what it shows; it changes."
    )
    mediaType = serializers.CharField(
        source="media_type", allow_null=True, help_text="`IMAGE`, `VIDEO`, `CAROUSEL` or `TEXT`."
    )
    thumbnailUrl = serializers.CharField(
        source="thumbnail_url", allow_null=True, help_text="A still picture of a film."
    )
    permalink = serializers.CharField(allow_null=True, help_text="Where people see it.")
    publishedAt = UTCMillisField(source="published_at", help_text="When it went live.")
    metrics = MetricsSerializer(source="*", help_text="What the platform counted when it was last asked.")
    superpower = serializers.JSONField(
        allow_null=True, help_text="The superpower of the scheduled post that it came from."
    )


PUBLISHED = JSONRowWriter(PublishedPostSerializer)


class FigureSerializer(serializers.Serializer[Metric]):
    """A metric. Its value is a number, or an object of numbers by kind."""

    name = serializers.CharField(help_text="The platform's name of the metric.")
    period = serializers.CharField(allow_null=True, help_text="What it covers, for example `lifetime`.")
    title = serializers.CharField(allow_null=True, help_text="Its name for people.")
    description = serializers.CharField(allow_null=True, help_text="What it counts.")
    value = serializers.JSONField(help_text="A number, or an object of numbers by kind.")


class AuthorSerializer(serializers.Serializer[Author]):
    """Who commented, as far as the platform tells."""

    id = serializers.CharField(allow_null=True, help_text="Their id, which is for this channel alone.")
    name = serializers.CharField(allow_null=True, help_text="Their name.")


class CommentSerializer(serializers.Serializer[Comment]):
    """A comment, or with `parentId` a reply to one. What the platform did not tell is null."""

    id = serializers.CharField(help_text="Its id on the platform.")
    parentId = serializers.CharField(
        source="parent_id",
        allow_null=True,
        help_text="The comment that this replies to; null for one on the post itself.",
    )
    text = serializers.CharField(allow_blank=True, help_text="What was said.")
    createdAt = UTCMillisField(source="created_at", allow_null=True, help_text="When.")
    author = AuthorSerializer(allow_null=True, help_text="Who said it; null when the platform does not tell.")
    likes = serializers.IntegerField(allow_null=True, help_text="How many like it.")
    replies = serializers.IntegerField(allow_null=True, help_text="How many replies stand below it.")
    hidden = serializers.BooleanField(allow_null=True, help_text="Whether it is hidden from the public.")


class ChannelSerializer(serializers.Serializer[Channel]):
    """A connected Facebook Page or Instagram account."""

    id = serializers.CharField(source="public_id", help_text="The type, then the platform's own id.")
    type = serializers.ChoiceField(ChannelType.choices, help_text="Which platform.")
    name = serializers.CharField(help_text="What people call it.")


class UnavailableMetricSerializer(serializers.Serializer[Any]):
    """A metric that the platform does not give, and why."""

    name = serializers.CharField(help_text="The metric.")
    reason = serializers.CharField(help_text="A sentence.")


class InsightsSerializer(serializers.Serializer[Any]):
    """A post's metrics, read from the platform at this call."""

    postId = serializers.CharField(help_text="The post.")
    mediumId = serializers.CharField(help_text="Its channel.")
    insights = FigureSerializer(many=True, help_text="What the platform gave.")
    unavailable = UnavailableMetricSerializer(many=True, help_text="What it did not give.")
    fetchedAt = UTCMillisField(help_text="When it was asked.")


class CommentPageSerializer(serializers.Serializer[Any]):
    """A page of comments, read from the platform at this call."""

    items = CommentSerializer(many=True, help_text="The comments.")
    returned = serializers.IntegerField(help_text="How many these are.")
    mayHaveMore = serializers.BooleanField(help_text="Whether there may be another page.")
    nextCursor = serializers.CharField(
        allow_null=True, help_text="What goes into `after` for it; null on the last page."
    )


class ExportSerializer(serializers.Serializer[Any]):
    """Where the file is, for a while, with `delivery=url`."""

    totalCount = serializers.IntegerField(help_text="How many comments the file has.")
    csvUrl = serializers.URLField(help_text="A signed link that expires. Whoever has it can read the file.")
