"""A post as the calendar writes it: worked out once, for a page has hundreds."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import reverse

from accounts import clock
from accounts.models import Membership, Role
from posts.admin.people import holds
from posts.models import Channel, ChannelType
from scheduling.admin.page import title_of
from scheduling.lifecycle import EDITABLE, Status
from scheduling.models import ScheduledPost

TINTS = 10
NO_POST = UUID(int=0)
LABELS: dict[str, str] = {value: str(label) for value, label in Status.choices}
SIGNS: dict[str, str] = {
    Status.DRAFT: "○",
    Status.WAITING_FOR_APPROVAL: "◐",
    Status.REJECTED: "↩",
    Status.SCHEDULED: "●",
    Status.PUBLISHING: "▸",
    Status.PUBLISHED: "✓",
    Status.FAILED: "✕",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A post on the calendar, with all that is written of it: a page has hundreds.

    `trouble` says in a word or two what is wrong with it; `move` is where it is moved, empty where there is no way.
    """

    post: ScheduledPost
    local: datetime
    time: str
    title: str
    kind: str
    said: str
    sign: str
    trouble: str
    url: str
    move: str
    on: list["Mark"]


class Mark(NamedTuple):
    """A channel's colour on an entry."""

    name: str
    tint: int
    network: str


@dataclass(frozen=True)
class Look:
    """Who looks at the calendar, and with what eyes: their channels with colours, their rights, and the moment."""

    channels: dict[int, Channel]
    tints: dict[int, int]
    memberships: dict[UUID, Membership]
    now: datetime = field(default_factory=clock.now)

    def mark(self, channel_id: int) -> Mark:
        """Return how a channel is shown."""
        channel = self.channels[channel_id]
        network = "facebook" if channel.type == ChannelType.FB_PAGE else "instagram"
        return Mark(channel.name, self.tints.get(channel_id, 0), network)


def entries_of(posts: Iterable[ScheduledPost], zone: ZoneInfo, look: Look) -> Iterator[Entry]:
    """Yield the posts as entries. Needs them with their deliveries, and dated."""
    review, move = _around("review"), _around("move")
    for post in posts:
        assert post.scheduled_for is not None  # noqa: S101  they were found by their instants
        status, trouble, key = str(post.status), _trouble(post, look.now), str(post.pk)
        local = post.scheduled_for.astimezone(zone)
        yield Entry(
            post=post,
            local=local,
            time=f"{local:%H:%M}",
            title=title_of(post),
            kind=status.lower(),
            said=trouble or LABELS[status],
            sign="!" if trouble else SIGNS[status],
            trouble=trouble,
            url=key.join(review),
            move=key.join(move) if _movable(post, look.memberships.get(post.organization_id)) else "",
            on=[look.mark(one.channel_id) for one in post.deliveries.all()],
        )


def _around(name: str) -> tuple[str, str]:
    """Return what stands before and after a post's id in the address of one of its pages."""
    before, _, after = reverse(f"admin:scheduling_scheduledpost_{name}", args=[NO_POST]).partition(str(NO_POST))
    return before, after


def _trouble(post: ScheduledPost, now: datetime) -> str:
    late = timedelta(seconds=settings.HEALTH_LATE)
    if post.status == Status.FAILED:
        return "Failed"
    if post.status == Status.WAITING_FOR_APPROVAL and post.scheduled_for and post.scheduled_for < now:
        return "Not approved in time"
    if post.status == Status.SCHEDULED and post.scheduled_for and post.scheduled_for < now - late:
        return "Late"
    return ""


def _movable(post: ScheduledPost, membership: Membership | None) -> bool:
    """Whether the page for moving it has something to offer; it says for itself what, and to whom it does not."""
    reviews = membership is not None and membership.may_review
    if post.status in {*EDITABLE, Status.SCHEDULED} and holds(membership, Role.EDITOR):
        return True
    return reviews and post.status in {Status.WAITING_FOR_APPROVAL, Status.SCHEDULED, Status.FAILED}


def tinted(channels: Sequence[Channel]) -> dict[int, int]:
    """Return a colour's number for each channel, the same one as long as no channel before it goes away."""
    return {one.pk: number % TINTS for number, one in enumerate(sorted(channels, key=lambda one: one.pk))}
