"""The calendar of scheduled posts by day, and the page that asks before a post is moved."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, Q, QuerySet, Window
from django.db.models.functions import RowNumber, TruncDate
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from accounts import clock, formatting
from accounts.admin.base import BaseAdmin, current_user, has_role, membership_for, memberships, organizations_with_role
from accounts.exceptions import DomainError, Forbidden
from accounts.models import Membership, Role
from posts.models import Channel, ChannelState, ChannelType
from scheduling.admin import calendar_dates, reschedule
from scheduling.admin.review_context import review_context, summary, title_of
from scheduling.admin.review_queue import after_in_queue
from scheduling.lifecycle import EDITABLE, StateConflict, Status
from scheduling.models import Delivery, ScheduledPost

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
class CalendarContext:
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


def entries_of(posts: Iterable[ScheduledPost], zone: ZoneInfo, look: CalendarContext) -> Iterator[Entry]:
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
            on=[look.mark(delivery.channel_id) for delivery in post.deliveries.all()],
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
    if post.status in {*EDITABLE, Status.SCHEDULED} and has_role(membership, Role.EDITOR):
        return True
    return reviews and post.status in {Status.WAITING_FOR_APPROVAL, Status.SCHEDULED, Status.FAILED}


def channel_colors(channels: Sequence[Channel]) -> dict[int, int]:
    """Return a colour's number for each channel, the same one as long as no channel before it goes away."""
    return {one.pk: number % TINTS for number, one in enumerate(sorted(channels, key=lambda one: one.pk))}


COUNTED = 100  # a day is counted up to here; beyond it is "99+"
TROUBLED = 90  # posts on one page
SHOWN = {"month": 3, "week": 24, "day": COUNTED - 1}


@dataclass
class Day:
    """A day of the page. `more` are not shown, `many`: there are more than were counted."""

    date: date
    today: bool
    past: bool
    outside: bool
    entries: list[Entry] = field(default_factory=list)
    more: int = 0
    many: bool = False
    last: UUID | None = None
    skipped: frozenset[int] = frozenset()

    @property
    def count(self) -> int:
        """How many there are, as far as they were counted."""
        return len(self.entries) + self.more

    @property
    def iso(self) -> str:
        """The day as addresses name it."""
        return self.date.isoformat()

    @property
    def weekday(self) -> str:
        """For example `Fri`."""
        return f"{self.date:%a}"

    @property
    def month(self) -> str:
        """For example `Nov`."""
        return f"{self.date:%b}"

    @property
    def words(self) -> str:
        """For example `27 November`."""
        return f"{self.date.day} {self.date:%B}"

    @property
    def hours(self) -> list[tuple[int, bool, list[Entry]]]:
        """Each hour of the clock, whether it is there on this day, and what is due in it."""
        by_hour: dict[int, list[Entry]] = defaultdict(list)
        for entry in self.entries:
            by_hour[entry.local.hour].append(entry)
        return [(hour, hour not in self.skipped, by_hour[hour]) for hour in range(24)]


def load_days(
    posts: QuerySet[ScheduledPost],
    span: calendar_dates.DateRange,
    *,
    look: CalendarContext,
    after: ScheduledPost | None = None,
) -> list[Day]:
    """Return the days of the span with their posts, in four queries. `after` is where a long day goes on."""
    found = _find(posts, span, after)
    trouble = _find_troubled(posts, span) if after is None else []
    shown = SHOWN[span.view]
    wanted = {pk for ids in found.values() for pk in ids[:shown]} | set(trouble)
    loaded = _load(wanted)
    this = calendar_dates.today(span.zone)
    by_day: dict[date, list[Entry]] = defaultdict(list)
    for entry in entries_of(loaded, span.zone, look):
        by_day[entry.local.date()].append(entry)
    made = []
    for day in span.days:
        one = Day(day, day == this, day < this, span.view == "month" and day.month != span.on.month)
        one.entries = _chosen(by_day[day], shown)
        ids = found.get(day, [])
        one.many, one.more = len(ids) == COUNTED, max(0, len(ids) - len(one.entries))
        one.last = ids[shown - 1] if one.more else None
        if span.view != "month":
            one.skipped = frozenset(hour for hour in range(24) if not calendar_dates.exists(day, hour, span.zone))
        made.append(one)
    return made


def _find(
    posts: QuerySet[ScheduledPost], span: calendar_dates.DateRange, after: ScheduledPost | None
) -> dict[date, list[UUID]]:
    """Return the ids of the first COUNTED posts of each day, of those later than `after`."""
    rows = posts.filter(scheduled_for__gte=span.start, scheduled_for__lt=span.end)
    if after is not None:
        rows = rows.filter(after_in_queue(after))
    rows = rows.annotate(day=TruncDate("scheduled_for", tzinfo=span.zone))
    rows = rows.annotate(place=Window(RowNumber(), partition_by="day", order_by=("scheduled_for", "id")))
    found: dict[date, list[UUID]] = defaultdict(list)
    for day, pk in rows.filter(place__lte=COUNTED).order_by("scheduled_for", "id").values_list("day", "pk"):
        found[day].append(pk)
    return found


def _find_troubled(posts: QuerySet[ScheduledPost], span: calendar_dates.DateRange) -> list[UUID]:
    """Return the ids of the posts that the page shows as troubled, TROUBLED at most."""
    now = clock.now()
    troubled = Q(status=Status.FAILED) | Q(status=Status.WAITING_FOR_APPROVAL, scheduled_for__lt=now)
    troubled |= Q(status=Status.SCHEDULED, scheduled_for__lt=now - timedelta(seconds=settings.HEALTH_LATE))
    rows = posts.filter(troubled, scheduled_for__gte=span.start, scheduled_for__lt=span.end)
    return list(rows.order_by("scheduled_for", "id").values_list("pk", flat=True)[:TROUBLED])


def _load(wanted: set[UUID]) -> list[ScheduledPost]:
    deliveries = Delivery.objects.only("post_id", "channel_id", "caption").order_by("channel__public_id")
    posts = ScheduledPost.objects.filter(pk__in=wanted).only("organization_id", "status", "scheduled_for")
    return list(posts.prefetch_related(Prefetch("deliveries", deliveries)).order_by("scheduled_for", "id"))


def _chosen(entries: list[Entry], shown: int) -> list[Entry]:
    """Return as many as fit, in order; what is in trouble is never what is left out for lack of room."""
    first = sorted(entries, key=lambda one: not one.trouble)[:shown]
    return sorted(first, key=lambda one: (one.local.astimezone(UTC), one.post.pk))


KEPT = ("view", "on", "channel", "organization")


def urls(desk: BaseAdmin) -> list[URLPattern]:
    """Return the addresses of the calendar, for the desk of scheduled posts."""
    wrap = desk.admin_site.admin_view

    def calendar_view(request: HttpRequest) -> HttpResponse:
        return show(desk, request)

    def move_view(request: HttpRequest, post_id: UUID) -> HttpResponse:
        return move(desk, request, post_id)

    return [
        path("calendar/", wrap(calendar_view), name=f"{desk.label}_calendar"),
        path("<uuid:post_id>/move/", wrap(move_view), name=f"{desk.label}_move"),
    ]


def show(desk: BaseAdmin, request: HttpRequest) -> HttpResponse:
    """Show a month, a week or a day. Reads only."""
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "HEAD"])
    asked, own = request.GET, memberships(request)
    if not own:
        raise PermissionDenied  # as the other lists refuse whoever belongs nowhere
    span = calendar_dates.date_range(
        asked.get("view", ""), asked.get("on", ""), formatting.user_timezone(current_user(request))
    )
    chosen = next((item for item in own if str(item.organization_id) == asked.get("organization")), None)
    within = [chosen] if chosen else own
    channels = list(
        Channel.objects.filter(organization__in=[item.organization_id for item in own]).order_by("name", "id")
    )
    tints = channel_colors(channels)
    shown = [channel for channel in channels if channel.organization_id in {each.organization_id for each in within}]
    channel = next((item for item in shown if str(item.pk) == asked.get("channel")), None)
    posts = _posts(within, channel)
    after = posts.filter(pk=_uuid(asked.get("after", ""))).first() if asked.get("after") else None
    look = CalendarContext(
        {channel.pk: channel for channel in channels}, tints, {item.organization_id: item for item in own}
    )
    days = load_days(posts, span, look=look, after=after)
    context = {**desk.admin_site.each_context(request), "opts": desk.opts, "title": "Calendar", "on_calendar": True}
    context |= {
        "span": span,
        "days": days,
        "today": calendar_dates.today(span.zone),
        "empty": not any(day.count for day in days),
        "troubled": [entry for day in days for entry in day.entries if entry.trouble],
        "channels": [(item, tints[item.pk]) for item in shown if item.state != ChannelState.DISCONNECTED],
        "channel": channel,
        "organizations": own if len(own) > 1 else [],
        "organization": chosen,
        "views": [(view, view.capitalize()) for view in calendar_dates.VIEWS],
        "states": [(value, str(label), SIGNS[value]) for value, label in Status.choices],
        "may_add": bool(organizations_with_role(request, Role.EDITOR)),
        "back": (back := urlencode(_kept(request.GET))),
        "day_link": _day_link(request.GET),
        "back_query": urlencode({"back": back}),
        "after": after,
    }
    return TemplateResponse(request, "admin/scheduling/scheduledpost/calendar.html", context)


def move(desk: Any, request: HttpRequest, post_id: UUID) -> HttpResponse:
    """Ask whether, how and to which instant the post is to be moved; a POST does it, by the way that it names."""
    if request.method != "POST":
        return _ask(desk, request, desk.get_post_or_404(request, post_id))
    way = reschedule.WAYS.get(request.POST.get("way", ""))
    if way is None:
        return _ask(desk, request, desk.get_post_or_404(request, post_id), problem="Choose how it is to be moved.")
    try:
        said = way(request, desk.get_post_or_404(request, post_id))
    except DomainError as refusal:
        if isinstance(refusal, StateConflict) and refusal.status is None:
            messages.error(request, "This post has been deleted in the meantime.")
            return HttpResponseRedirect(desk.url("calendar"))
        post = desk.get_post_or_404(request, post_id)
        details = refusal.details if isinstance(refusal.details, list) else []
        problem = reschedule.in_words(refusal, post)
        more = [detail["message"] for detail in details if detail["message"] != problem]
        code = 403 if isinstance(refusal, Forbidden) else 200
        return _ask(desk, request, post, problem=problem, problems=more, code=code)
    messages.success(request, said)
    return HttpResponseRedirect(_onward(desk, request, post_id))


def _ask(
    desk: Any,
    request: HttpRequest,
    post: ScheduledPost,
    *,
    problem: str = "",
    problems: list[str] | None = None,
    code: int = 200,
) -> HttpResponse:
    reader, membership = current_user(request), membership_for(request, post.organization_id)
    zone = formatting.user_timezone(reader)
    if request.method == "POST":
        when = request.POST.get("when", "")
    else:
        when = calendar_dates.move_to_day(post.scheduled_for, request.GET.get("to", ""), zone)
        when = when or formatting.as_input(post.scheduled_for, zone)
    instant = reschedule.proposed(when, post, reader)
    shown = review_context(post, reader=reader, membership=membership)
    shown |= {"checks": summary(reschedule.proposed_checks(post, instant, reader)), "may_recheck": False}
    given = request.POST if request.method == "POST" else request.GET
    context = {**desk.admin_site.each_context(request), "opts": desk.opts, **shown, "title": f"Move {shown['heading']}"}
    context |= {
        "ways": reschedule.reschedule_options(reader, membership, post),
        "when": when,
        "skipped": bool(when) and instant is None,
        "instant": instant if instant != post.scheduled_for else None,
        "problem": problem,
        "problems": problems or [],
        "back": given.get("back", ""),
        "calendar_url": f"{desk.url('calendar')}?{urlencode(_kept(QueryDict(given.get('back', ''))))}",
        "on_calendar": True,
    }
    return TemplateResponse(request, "admin/scheduling/scheduledpost/move.html", context, status=code)


def _posts(within: list[Membership], channel: Channel | None) -> Any:
    ids = [item.organization_id for item in within]
    # One organization by equality: the index then gives its posts in order.
    posts = ScheduledPost.objects.filter(**({"organization": ids[0]} if len(ids) == 1 else {"organization__in": ids}))
    return posts.filter(deliveries__channel=channel) if channel else posts


def _onward(desk: BaseAdmin, request: HttpRequest, post_id: UUID) -> str:
    """Return the calendar as the person left it, on the page that shows the post's new day."""
    zone = formatting.user_timezone(current_user(request))
    due = ScheduledPost.objects.filter(pk=post_id).values_list("scheduled_for", flat=True).first()
    kept = _kept(QueryDict(request.POST.get("back", "")))
    if due is not None:
        kept["on"] = due.astimezone(zone).date().isoformat()
    return f"{desk.url('calendar')}?{urlencode(kept)}"


def _day_link(asked: QueryDict) -> str:
    """Return the address of a day's page, as the calendar is narrowed down, up to where the day comes."""
    narrowed = {name: value for name, value in _kept(asked).items() if name not in {"view", "on"}}
    return f"?{urlencode({**narrowed, 'view': 'day', 'on': ''})}"


def _kept(asked: QueryDict) -> dict[str, str]:
    return {name: str(asked[name]) for name in KEPT if asked.get(name)}


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
