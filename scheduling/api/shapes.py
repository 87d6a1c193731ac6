"""What clients may send about scheduled posts. Strict in shape; whether it is publishable is the domain's to say."""

from typing import Any

from accounts.api.paging import Paged
from accounts.api.shape import Choice, Instant, MapOf, Shape, ShapeError, Text
from posts.api.shapes import Superpower
from posts.models import PostType
from scheduling.domain.drafts import Changes, ChannelText
from scheduling.lifecycle import Status
from scheduling.models import MediaType


class ChannelShape(Shape):
    mediumType = Text(source="medium_type")
    caption = Text(required=False, allow_blank=True)
    superpower = Superpower(required=False, allow_null=True)


class Content(Shape):
    type = Choice(PostType.values, required=False)
    media = Text(max_length=2048, allow_blank=True, allow_null=True, required=False)
    mediaType = Choice(MediaType.values, source="media_type", allow_null=True, required=False)
    scheduledFor = Instant(source="scheduled_for", allow_null=True, required=False)
    channels = MapOf(child=ChannelShape(), required=False)
    brief = Text(max_length=10_000, allow_blank=True, allow_null=True, required=False)


class NewPost(Content):
    status = Choice([Status.DRAFT.value, Status.WAITING_FOR_APPROVAL.value], required=False)


class ChangedPost(Content):
    """All fields optional; `status` may only name the step from REJECTED back to DRAFT."""

    status = Choice([Status.DRAFT.value], required=False)


class Rejection(Shape):
    notes = Text()


class Statuses(Text):
    """Comma-separated states; returned as a list."""

    def to_internal_value(self, data: Any) -> list[str]:  # type: ignore[override]  # the words, not the text
        words = [word.strip() for word in super().to_internal_value(data).split(",")]
        if set(words) - set(Status.values):
            raise ShapeError.one(
                "any.only", f"must be one of [{', '.join(Status.values)}]", value=data, valids=Status.values
            )
        return words


class ScheduledPostsQuery(Paged):
    status = Statuses(required=False)


def changes(given: dict[str, Any]) -> Changes:
    """Return a validated body as the domain takes it, without `status`, which is a step and not content."""
    fields = {name: value for name, value in given.items() if name != "status"}
    if "channels" in fields:
        fields["channels"] = {wire_id: ChannelText(**text) for wire_id, text in fields["channels"].items()}
    found: Changes = fields  # type: ignore[assignment]  # the shape has the keys and types of Changes
    return found
