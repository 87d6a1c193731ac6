"""What clients may send about posts: the superpower object, and the filters of published posts."""

import re
from datetime import datetime, timedelta
from typing import Any

from accounts.api.pagination import PaginationQuery
from accounts.api.shape import Anything, Choice, Flag, Instant, ListOf, Number, Shape, Text
from posts.models import PostType

DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class Lenient(Shape):
    """Part of a superpower: the types of what we know are checked, what we do not know is kept."""

    keep_unknown = True


class Condition(Lenient):
    conditionType = Choice(["USER_ACTION"], required=False, help_text="What is looked at.")
    userActionType = Choice(["COMMENTED"], required=False, help_text="What somebody does.")
    values = ListOf(
        child=Text(),
        min_length=1,
        required=False,
        help_text="The words that count; `any` stands for every comment. At least one.",
    )
    aiValues = ListOf(child=Anything(), required=False, help_text="Words that were suggested, kept as they come.")
    logicalCondition = Choice(["ANY_VALUE"], required=False, allow_null=True, help_text="How the values are joined.")
    userProperty = Lenient(required=False, allow_null=True, help_text="About the person; kept as it comes.")


class Redirect(Lenient):
    id = Text(required=False, help_text="Its id.")
    text = Text(required=False, allow_null=True, allow_blank=True, help_text="What the button says.")
    description = Text(required=False, allow_null=True, allow_blank=True, help_text="What stands below it.")
    url = Text(required=False, allow_null=True, allow_blank=True, help_text="Where it leads.")
    d10xUrl = Text(
        required=False, allow_null=True, allow_blank=True, help_text="The address through which it is counted."
    )


class Reply(Lenient):
    id = Text(required=False, help_text="Its id.")
    scope = Choice(["PUBLIC", "PRIVATE"], required=False, help_text="Below the comment, or as a message.")
    broadcastMessageType = Choice(["REGULAR"], required=False, help_text="What kind of message.")
    text = Text(
        required=False,
        allow_null=True,
        allow_blank=True,
        help_text="What is said; `@[mention_user]` becomes who commented.",
    )
    mediaUrl = Text(required=False, allow_null=True, allow_blank=True, help_text="A picture or film that goes along.")
    mediaType = Text(required=False, allow_null=True, allow_blank=True, help_text="What that is.")
    attachmentId = Text(
        required=False, allow_null=True, allow_blank=True, help_text="The platform's id of what is attached."
    )
    like = Flag(required=False, help_text="Whether the comment is liked as well.")
    subtitle = Text(required=False, allow_null=True, allow_blank=True, help_text="A second line.")
    isAIGenerated = Flag(required=False, help_text="Whether a machine wrote it.")
    isAiGeneratedEdited = Flag(required=False, help_text="Whether a person edited what a machine wrote.")
    active = Flag(required=False, help_text="Whether it is used.")
    redirects = ListOf(child=Redirect(), required=False, help_text="Buttons that lead on.")


class ConditionGroup(Lenient):
    groupId = Text(required=False, help_text="Its id.")
    name = Text(required=False, allow_null=True, allow_blank=True, help_text="What people call it.")
    autoLike = Flag(required=False, help_text="Whether comments are liked.")
    autoLikeProbability = Number(min_value=0, max_value=1, required=False, help_text="How often, from 0 to 1.")
    probability = Number(
        min_value=0, max_value=1, required=False, help_text="How often the group acts at all, from 0 to 1."
    )
    publicRepliesProbability = Number(
        min_value=0, max_value=1, required=False, help_text="How often it replies in public, from 0 to 1."
    )
    conditions = ListOf(child=Condition(), required=False, help_text="When it acts.")
    publicReplies = ListOf(child=Reply(), required=False, help_text="Replies below the comment, of which one is taken.")
    privateReplies = ListOf(child=Reply(), required=False, help_text="Replies by message, of which one is taken.")


class Superpower(Lenient):
    """A superpower by reference or inline. What an inline one must have is the domain's to say, not its shape's."""

    creativeTemplateId = Text(
        required=False, allow_null=True, help_text="The template that it refers to; what else is given overlays it."
    )
    creativeTemplateName = Text(required=False, allow_null=True, allow_blank=True, help_text="That template's name.")
    id = Text(required=False, help_text="Its id.")
    name = Text(required=False, max_length=200, help_text="What people call it. Needed inline.")
    active = Flag(required=False, help_text="Whether it acts.")
    hashtag = Text(required=False, max_length=100, help_text="Its hashtag, once in the organization. Needed inline.")
    lookupHashtag = Text(
        required=False,
        allow_null=True,
        allow_blank=True,
        help_text="The hashtag as it is compared: without `#`, case-folded.",
    )
    thumbnail = Text(required=False, allow_null=True, allow_blank=True, help_text="A picture of it.")
    notes = Text(required=False, allow_null=True, allow_blank=True, help_text="For people.")
    note = Text(required=False, allow_null=True, allow_blank=True, help_text="For people.")
    caption = Text(required=False, allow_null=True, allow_blank=True, help_text="A caption that was suggested with it.")
    expirationDate = Number(required=False, allow_null=True, help_text="When it ends, in milliseconds since 1970.")
    templateType = Choice(
        ["GENERAL", "CONDITIONAL"], required=False, help_text="Whether it has conditions. Needed inline."
    )
    conditionalTemplateType = Choice(
        ["MIX_MATCH", "GENERAL"], required=False, help_text="How the groups are mixed. Needed when it has conditions."
    )
    conditionGroups = ListOf(
        child=ConditionGroup(),
        required=False,
        help_text="Who is answered what. At least one, each with a reply, when it has conditions.",
    )


class DayOrInstant(Instant):
    """An instant, or a date that stands for the whole day, UTC.

    Returned as the half-open span [first, end) that it covers; an instant covers the millisecond that clients see.
    """

    forms = ("date", "date-time")

    def to_internal_value(self, data: Any) -> tuple[datetime, datetime]:  # type: ignore[override]  # a span, no point
        if isinstance(data, str) and DAY.fullmatch(data):
            day = super().to_internal_value(f"{data}T00:00:00Z")
            return day, day + timedelta(days=1)
        moment = super().to_internal_value(data)
        millisecond = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        return millisecond, millisecond + timedelta(milliseconds=1)


class PostsQuery(PaginationQuery):
    mediumId = Text(required=False, help_text="One channel's id; without it all channels, merged.")
    type = Choice(PostType.values, required=False, help_text="Posts of this type alone.")
    startDate = DayOrInstant(
        required=False, help_text="From this instant or day on, on `publishedAt`. A day is the whole day in UTC."
    )
    endDate = DayOrInstant(required=False, help_text="Until this instant or day, itself included.")


class OnePostQuery(Shape):
    mediumId = Text(help_text="The id of the post's channel.")


class CommentsQuery(OnePostQuery):
    limit = Number(min_value=1, max_value=100, integer=True, default=25, help_text="How many at once.")
    after = Text(required=False, help_text="The `nextCursor` of the page before.")


class ExportQuery(OnePostQuery):
    delivery = Choice(["url"], required=False, help_text="`url`: store the file and answer a link to it.")
