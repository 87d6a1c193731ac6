"""What clients may send about scheduled posts. Strict in shape; whether it is publishable is the domain's to say."""

from typing import Any

from accounts.api.pagination import PaginationQuery
from accounts.api.shape import Choice, Instant, MapOf, Shape, ShapeError, Text
from posts.api.shapes import Superpower
from posts.models import PostType
from scheduling.domain.drafts import Changes, ChannelText
from scheduling.lifecycle import Status
from scheduling.models import MediaType


class ChannelShape(Shape):
    mediumType = Text(source="medium_type", help_text="The channel's type; it must be what the id says.")
    caption = Text(required=False, allow_blank=True, help_text="What is said there.")
    superpower = Superpower(
        required=False, allow_null=True, help_text="A superpower by reference (`creativeTemplateId`) or whole."
    )


class Content(Shape):
    type = Choice(
        PostType.values,
        required=False,
        help_text="What is published.",
    )
    media = Text(
        max_length=2048,
        allow_blank=True,
        allow_null=True,
        required=False,
        help_text="The URL of publicly hosted media. On a draft any text will do.",
    )
    mediaType = Choice(
        MediaType.values,
        source="media_type",
        allow_null=True,
        required=False,
        help_text="What the media is; else its file name says.",
    )
    scheduledFor = Instant(
        source="scheduled_for",
        allow_null=True,
        required=False,
        help_text="When it goes out: ISO-8601 with `Z` or an offset.",
    )
    channels = MapOf(child=ChannelShape(), required=False, help_text="Where it goes out: what is said, by channel id.")
    brief = Text(
        max_length=10_000,
        allow_blank=True,
        allow_null=True,
        required=False,
        help_text="For the reviewer alone, never published: what the post is for.",
    )


class NewPost(Content):
    status = Choice(
        [Status.DRAFT.value, Status.WAITING_FOR_APPROVAL.value],
        required=False,
        help_text="`WAITING_FOR_APPROVAL` hands it over at once. Default `DRAFT`.",
    )


class ChangedPost(Content):
    """All fields optional; `status` may only name the step from REJECTED back to DRAFT."""

    status = Choice([Status.DRAFT.value], required=False, help_text="The step from REJECTED back to DRAFT.")


class Rejection(Shape):
    notes = Text(help_text="What is to be changed. Not blank.")


class Statuses(Text):
    """Comma-separated states; returned as a list."""

    def to_internal_value(self, data: Any) -> list[str]:  # type: ignore[override]  # the words, not the text
        words = [word.strip() for word in super().to_internal_value(data).split(",")]
        if set(words) - set(Status.values):
            raise ShapeError.one(
                "any.only", f"must be one of [{', '.join(Status.values)}]", value=data, valids=Status.values
            )
        return words


class ScheduledPostsQuery(PaginationQuery):
    status = Statuses(
        required=False,
        help_text=f"States, separated by commas: {', '.join(Status.values)}.",
    )


def changes(given: dict[str, Any]) -> Changes:
    """Return a validated body as the domain takes it, without `status`, which is a step and not content."""
    fields = {name: value for name, value in given.items() if name != "status"}
    if "channels" in fields:
        fields["channels"] = {wire_id: ChannelText(**text) for wire_id, text in fields["channels"].items()}
    found: Changes = fields  # type: ignore[assignment]  # the shape has the keys and types of Changes
    return found
