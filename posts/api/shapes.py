"""What clients may send about posts: the superpower object, and the filters of published posts."""

import re
from datetime import datetime, timedelta
from typing import Any

from accounts.api.paging import Paged
from accounts.api.shape import Anything, Choice, Flag, Instant, ListOf, Number, Shape, Text
from posts.models import PostType

DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class Lenient(Shape):
    """Part of a superpower: the types of what we know are checked, what we do not know is kept."""

    keep_unknown = True


class Condition(Lenient):
    conditionType = Choice(["USER_ACTION"], required=False)
    userActionType = Choice(["COMMENTED"], required=False)
    values = ListOf(child=Text(), min_length=1, required=False)
    aiValues = ListOf(child=Anything(), required=False)
    logicalCondition = Choice(["ANY_VALUE"], required=False, allow_null=True)
    userProperty = Lenient(required=False, allow_null=True)


class Redirect(Lenient):
    id = Text(required=False)
    text = Text(required=False, allow_null=True, allow_blank=True)
    description = Text(required=False, allow_null=True, allow_blank=True)
    url = Text(required=False, allow_null=True, allow_blank=True)
    d10xUrl = Text(required=False, allow_null=True, allow_blank=True)


class Reply(Lenient):
    id = Text(required=False)
    scope = Choice(["PUBLIC", "PRIVATE"], required=False)
    broadcastMessageType = Choice(["REGULAR"], required=False)
    text = Text(required=False, allow_null=True, allow_blank=True)
    mediaUrl = Text(required=False, allow_null=True, allow_blank=True)
    mediaType = Text(required=False, allow_null=True, allow_blank=True)
    attachmentId = Text(required=False, allow_null=True, allow_blank=True)
    like = Flag(required=False)
    subtitle = Text(required=False, allow_null=True, allow_blank=True)
    isAIGenerated = Flag(required=False)
    isAiGeneratedEdited = Flag(required=False)
    active = Flag(required=False)
    redirects = ListOf(child=Redirect(), required=False)


class ConditionGroup(Lenient):
    groupId = Text(required=False)
    name = Text(required=False, allow_null=True, allow_blank=True)
    autoLike = Flag(required=False)
    autoLikeProbability = Number(min_value=0, max_value=1, required=False)
    probability = Number(min_value=0, max_value=1, required=False)
    publicRepliesProbability = Number(min_value=0, max_value=1, required=False)
    conditions = ListOf(child=Condition(), required=False)
    publicReplies = ListOf(child=Reply(), required=False)
    privateReplies = ListOf(child=Reply(), required=False)


class Superpower(Lenient):
    """A superpower by reference or inline. What an inline one must have is the domain's to say, not its shape's."""

    creativeTemplateId = Text(required=False, allow_null=True)
    creativeTemplateName = Text(required=False, allow_null=True, allow_blank=True)
    id = Text(required=False)
    name = Text(required=False, max_length=200)
    active = Flag(required=False)
    hashtag = Text(required=False, max_length=100)
    lookupHashtag = Text(required=False, allow_null=True, allow_blank=True)
    thumbnail = Text(required=False, allow_null=True, allow_blank=True)
    notes = Text(required=False, allow_null=True, allow_blank=True)
    note = Text(required=False, allow_null=True, allow_blank=True)
    caption = Text(required=False, allow_null=True, allow_blank=True)
    expirationDate = Number(required=False, allow_null=True)
    templateType = Choice(["GENERAL", "CONDITIONAL"], required=False)
    conditionalTemplateType = Choice(["MIX_MATCH", "GENERAL"], required=False)
    conditionGroups = ListOf(child=ConditionGroup(), required=False)


class DayOrInstant(Instant):
    """An instant, or a date that stands for the whole day, UTC.

    Returned as the half-open span [first, end) that it covers; an instant covers the millisecond that clients see.
    """

    def to_internal_value(self, data: Any) -> tuple[datetime, datetime]:  # type: ignore[override]  # a span, no point
        if isinstance(data, str) and DAY.fullmatch(data):
            day = super().to_internal_value(f"{data}T00:00:00Z")
            return day, day + timedelta(days=1)
        moment = super().to_internal_value(data)
        millisecond = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        return millisecond, millisecond + timedelta(milliseconds=1)


class PostsQuery(Paged):
    mediumId = Text(required=False)
    type = Choice(PostType.values, required=False)
    startDate = DayOrInstant(required=False)
    endDate = DayOrInstant(required=False)


class OnePostQuery(Shape):
    mediumId = Text()


class CommentsQuery(OnePostQuery):
    limit = Number(min_value=1, max_value=100, integer=True, default=25)
    after = Text(required=False)


class ExportQuery(OnePostQuery):
    delivery = Choice(["url"], required=False)
