"""The calendar of scheduled posts by day, and the page that confirms rescheduling a post."""

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
from scheduling.admin import actions, calendar_dates, reschedule
from scheduling.admin.charts import organization_filter
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
    """A post on the calendar, ready to render: a page has hundreds.

    problem         what is wrong with the post, in two or three words; blank if nothing is
    reschedule_url  blank if the user cannot reschedule the post
    """

    post: ScheduledPost
    local: datetime
    time: str
    title: str
    kind: str
    label: str
    sign: str
    problem: str
    url: str
    reschedule_url: str
    channels: list["ChannelMark"]


class ChannelMark(NamedTuple):
    """A channel's colour mark on an entry."""

    name: str
    tint: int
    network: str


@dataclass(frozen=True)
class CalendarContext:
    """The user's channels with their colours, memberships by organization, and the current time."""

    channels: dict[int, Channel]
    tints: dict[int, int]
    memberships: dict[UUID, Membership]
    now: datetime = field(default_factory=clock.now)

    def mark(self, channel_id: int) -> ChannelMark:
        channel = self.channels[channel_id]
        network = "facebook" if channel.type == ChannelType.FB_PAGE else "instagram"
        return ChannelMark(channel.name, self.tints.get(channel_id, 0), network)


def build_entries(posts: Iterable[ScheduledPost], zone: ZoneInfo, context: CalendarContext) -> Iterator[Entry]:
    """Yield an entry per post. Needs the posts scheduled and with their deliveries."""
    # Reversing two URLs for each of hundreds of posts would dominate the time of the page.
    review_url, reschedule_url = _url_parts("review"), _url_parts("move")
    for post in posts:
        assert post.scheduled_for is not None  # noqa: S101  they were selected by it
        status, problem, pk = str(post.status), _problem(post, context.now), str(post.pk)
        local = post.scheduled_for.astimezone(zone)
        yield Entry(
            post=post,
            local=local,
            time=f"{local:%H:%M}",
            title=title_of(post),
            kind=status.lower(),
            label=problem or LABELS[status],
            sign="!" if problem else SIGNS[status],
            problem=problem,
            url=pk.join(review_url),
            reschedule_url=pk.join(reschedule_url)
            if _can_reschedule(post, context.memberships.get(post.organization_id))
            else "",
            channels=[context.mark(delivery.channel_id) for delivery in post.deliveries.all()],
        )


def _url_parts(name: str) -> tuple[str, str]:
    """Return the URL of a post's page, split at the post id."""
    before, _, after = reverse(f"admin:scheduling_scheduledpost_{name}", args=[NO_POST]).partition(str(NO_POST))
    return before, after


def _problem(post: ScheduledPost, now: datetime) -> str:
    late = timedelta(seconds=settings.HEALTH_LATE)
    if post.status == Status.FAILED:
        return "Failed"
    if post.status == Status.WAITING_FOR_APPROVAL and post.scheduled_for and post.scheduled_for < now:
        return "Not approved in time"
    if post.status == Status.SCHEDULED and post.scheduled_for and post.scheduled_for < now - late:
        return "Late"
    return ""


def _can_reschedule(post: ScheduledPost, membership: Membership | None) -> bool:
    """Whether to link to the reschedule page, which itself decides by the post's deliveries and approvals."""
    if post.status in {*EDITABLE, Status.SCHEDULED} and has_role(membership, Role.EDITOR):
        return True
    is_reviewer = membership is not None and membership.may_review
    return is_reviewer and post.status in {Status.WAITING_FOR_APPROVAL, Status.SCHEDULED, Status.FAILED}


def channel_colors(channels: Sequence[Channel]) -> dict[int, int]:
    """Return a colour number per channel id. It stays the same until a channel with a lower id is deleted."""
    return {pk: number % TINTS for number, pk in enumerate(sorted(channel.pk for channel in channels))}


MAX_COUNT = 100  # posts counted per day
MAX_PROBLEMS = 90  # posts with a problem on one page
MAX_ENTRIES = {"month": 3, "week": 24, "day": MAX_COUNT - 1}  # per day, by view


@dataclass
class Day:
    """A day of the page.

    outside    whether it belongs to a neighbouring month
    more       number of posts that are not shown; `more_exist`: MAX_COUNT was reached, there may be more
    last       id of the last post shown, where the next page of this day continues
    skipped    hours that the clocks skip
    """

    date: date
    today: bool
    past: bool
    outside: bool
    entries: list[Entry] = field(default_factory=list)
    more: int = 0
    more_exist: bool = False
    last: UUID | None = None
    skipped: frozenset[int] = frozenset()

    @property
    def count(self) -> int:
        """Number of posts, at most MAX_COUNT."""
        return len(self.entries) + self.more

    @property
    def iso(self) -> str:
        """For query strings: `2026-11-27`."""
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
    def label(self) -> str:
        """For example `27 November`."""
        return f"{self.date.day} {self.date:%B}"

    @property
    def hours(self) -> list[tuple[int, bool, list[Entry]]]:
        """Each hour, whether it exists on this day, and its entries."""
        by_hour: dict[int, list[Entry]] = defaultdict(list)
        for entry in self.entries:
            by_hour[entry.local.hour].append(entry)
        return [(hour, hour not in self.skipped, by_hour[hour]) for hour in range(24)]


def load_days(
    posts: QuerySet[ScheduledPost],
    span: calendar_dates.DateRange,
    *,
    context: CalendarContext,
    after: ScheduledPost | None = None,
) -> list[Day]:
    """Return the days of the span with their posts, in four queries. `after`: continue a long day after this post."""
    ids_by_day = _find_ids(posts, span, after)
    problem_ids = _find_problem_ids(posts, span) if after is None else []
    limit = MAX_ENTRIES[span.view]
    loaded = _load_posts({pk for ids in ids_by_day.values() for pk in ids[:limit]} | set(problem_ids))
    today = calendar_dates.today(span.zone)
    entries_by_day: dict[date, list[Entry]] = defaultdict(list)
    for entry in build_entries(loaded, span.zone, context):
        entries_by_day[entry.local.date()].append(entry)
    days = []
    for on in span.days:
        day = Day(on, on == today, on < today, span.view == "month" and on.month != span.on.month)
        day.entries = _first_entries(entries_by_day[on], limit)
        ids = ids_by_day.get(on, [])
        day.more_exist, day.more = len(ids) == MAX_COUNT, max(0, len(ids) - len(day.entries))
        day.last = ids[limit - 1] if day.more else None
        if span.view != "month":
            day.skipped = frozenset(hour for hour in range(24) if not calendar_dates.exists(on, hour, span.zone))
        days.append(day)
    return days


def _find_ids(
    posts: QuerySet[ScheduledPost], span: calendar_dates.DateRange, after: ScheduledPost | None
) -> dict[date, list[UUID]]:
    """Return the ids of the first MAX_COUNT posts of each day that follow `after`."""
    rows = posts.filter(scheduled_for__gte=span.start, scheduled_for__lt=span.end)
    if after is not None:
        rows = rows.filter(after_in_queue(after))
    rows = rows.annotate(day=TruncDate("scheduled_for", tzinfo=span.zone))
    rows = rows.annotate(place=Window(RowNumber(), partition_by="day", order_by=("scheduled_for", "id")))
    ids_by_day: dict[date, list[UUID]] = defaultdict(list)
    for day, pk in rows.filter(place__lte=MAX_COUNT).order_by("scheduled_for", "id").values_list("day", "pk"):
        ids_by_day[day].append(pk)
    return ids_by_day


def _find_problem_ids(posts: QuerySet[ScheduledPost], span: calendar_dates.DateRange) -> list[UUID]:
    """Return the ids of the posts for which `_problem` is not blank, MAX_PROBLEMS at most."""
    now = clock.now()
    condition = Q(status=Status.FAILED) | Q(status=Status.WAITING_FOR_APPROVAL, scheduled_for__lt=now)
    condition |= Q(status=Status.SCHEDULED, scheduled_for__lt=now - timedelta(seconds=settings.HEALTH_LATE))
    rows = posts.filter(condition, scheduled_for__gte=span.start, scheduled_for__lt=span.end)
    return list(rows.order_by("scheduled_for", "id").values_list("pk", flat=True)[:MAX_PROBLEMS])


def _load_posts(ids: set[UUID]) -> list[ScheduledPost]:
    deliveries = Delivery.objects.only("post_id", "channel_id", "caption").order_by("channel__public_id")
    posts = ScheduledPost.objects.filter(pk__in=ids).only("organization_id", "status", "scheduled_for")
    return list(posts.prefetch_related(Prefetch("deliveries", deliveries)).order_by("scheduled_for", "id"))


def _first_entries(entries: list[Entry], limit: int) -> list[Entry]:
    """Return `limit` entries in order of time, those with a problem before all others."""
    first = sorted(entries, key=lambda entry: not entry.problem)[:limit]
    return sorted(first, key=lambda entry: (entry.local.astimezone(UTC), entry.post.pk))


STATE_PARAMETERS = ("view", "on", "channel", "organization")


def urls(model_admin: BaseAdmin) -> list[URLPattern]:
    """Return the URLs of the calendar and of the reschedule page, for ScheduledPostAdmin."""
    wrap = model_admin.admin_site.admin_view

    def calendar_view(request: HttpRequest) -> HttpResponse:
        return render_calendar(model_admin, request)

    def reschedule_view(request: HttpRequest, post_id: UUID) -> HttpResponse:
        return reschedule_post(model_admin, request, post_id)

    return [
        path("calendar/", wrap(calendar_view), name=f"{model_admin.label}_calendar"),
        path("<uuid:post_id>/move/", wrap(reschedule_view), name=f"{model_admin.label}_move"),
    ]


def render_calendar(model_admin: BaseAdmin, request: HttpRequest) -> HttpResponse:
    """Show a month, a week or a day. Read-only. Raises PermissionDenied for users without a membership."""
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "HEAD"])
    params, by_organization = request.GET, {each.organization_id: each for each in memberships(request)}
    if not by_organization:
        raise PermissionDenied
    span = calendar_dates.date_range(
        params.get("view", ""), params.get("on", ""), formatting.user_timezone(current_user(request))
    )
    organization_id = _parse_uuid(params.get("organization", ""))
    selected = by_organization.get(organization_id) if organization_id else None
    organization_ids = [selected.organization_id] if selected else list(by_organization)
    all_channels = list(Channel.objects.filter(organization__in=list(by_organization)).order_by("name", "id"))
    tints = channel_colors(all_channels)
    channels = [channel for channel in all_channels if channel.organization_id in organization_ids]
    selected_channel = next((channel for channel in channels if str(channel.pk) == params.get("channel")), None)
    posts = _posts(organization_ids, selected_channel)
    after = posts.filter(pk=_parse_uuid(params.get("after", ""))).first() if params.get("after") else None
    calendar_context = CalendarContext({channel.pk: channel for channel in all_channels}, tints, by_organization)
    days = load_days(posts, span, context=calendar_context, after=after)
    back = urlencode(_state_parameters(params))
    context = {**model_admin.admin_site.each_context(request), "opts": model_admin.opts, "title": "Calendar"}
    context |= {
        "on_calendar": True,
        "span": span,
        "days": days,
        "today": calendar_dates.today(span.zone),
        "empty": not any(day.count for day in days),
        "problems": [entry for day in days for entry in day.entries if entry.problem],
        "channels": [
            (channel, tints[channel.pk]) for channel in channels if channel.state != ChannelState.DISCONNECTED
        ],
        "channel": selected_channel,
        "organizations": list(by_organization.values()) if len(by_organization) > 1 else [],
        "organization": selected,
        "views": [(view, view.capitalize()) for view in calendar_dates.VIEWS],
        "states": [(value, str(label), SIGNS[value]) for value, label in Status.choices],
        "may_add": bool(organizations_with_role(request, Role.EDITOR)),
        "back": back,
        "day_link": _day_link(params),
        "back_query": urlencode({"back": back}),
        "after": after,
    }
    return TemplateResponse(request, "admin/scheduling/scheduledpost/calendar.html", context)


def reschedule_post(model_admin: Any, request: HttpRequest, post_id: UUID) -> HttpResponse:
    """Show the confirmation page; on POST run the action that the field `way` names."""
    post = model_admin.get_post_or_404(request, post_id)
    if request.method != "POST":
        return _render_confirmation(model_admin, request, post)
    action = reschedule.RESCHEDULE_ACTIONS.get(request.POST.get("way", ""))
    if action is None:
        return _render_confirmation(model_admin, request, post, problem="Choose how to reschedule the post.")
    try:
        message = action(request, post)
    except DomainError as error:
        if isinstance(error, StateConflict) and error.status is None:
            messages.error(request, "This post has been deleted in the meantime.")
            return HttpResponseRedirect(model_admin.url("calendar"))
        post = model_admin.get_post_or_404(request, post_id)
        problem = reschedule.error_message(error, post)
        problems = actions.other_messages(error, problem)
        status = 403 if isinstance(error, Forbidden) else 200
        return _render_confirmation(model_admin, request, post, problem=problem, problems=problems, status=status)
    messages.success(request, message)
    return HttpResponseRedirect(_calendar_url(model_admin, request, post_id))


def _render_confirmation(
    model_admin: Any,
    request: HttpRequest,
    post: ScheduledPost,
    *,
    problem: str = "",
    problems: Sequence[str] = (),
    status: int = 200,
) -> HttpResponse:
    reader, membership = current_user(request), membership_for(request, post.organization_id)
    zone = formatting.user_timezone(reader)
    params = request.POST if request.method == "POST" else request.GET
    if request.method == "POST":
        when = params.get("when", "")
    else:
        when = calendar_dates.move_to_day(post.scheduled_for, params.get("to", ""), zone)
        when = when or formatting.as_input(post.scheduled_for, zone)
    new_time = reschedule.parse_time(when, post, reader)
    review = review_context(post, reader=reader, membership=membership)
    back = params.get("back", "")
    context = {**model_admin.admin_site.each_context(request), "opts": model_admin.opts, **review}
    context |= {
        "title": f"Reschedule {review['heading']}",
        "checks": summary(reschedule.proposed_checks(post, new_time, reader)),
        "may_recheck": False,
        "options": reschedule.reschedule_options(reader, membership, post),
        "when": when,
        "skipped": bool(when) and new_time is None,
        "new_time": new_time if new_time != post.scheduled_for else None,
        "problem": problem,
        "problems": problems,
        "back": back,
        "calendar_url": f"{model_admin.url('calendar')}?{urlencode(_state_parameters(QueryDict(back)))}",
        "on_calendar": True,
    }
    return TemplateResponse(request, "admin/scheduling/scheduledpost/move.html", context, status=status)


def _posts(organization_ids: list[UUID], channel: Channel | None) -> Any:
    posts = ScheduledPost.objects.filter(**organization_filter(organization_ids))
    return posts.filter(deliveries__channel=channel) if channel else posts


def _calendar_url(model_admin: BaseAdmin, request: HttpRequest, post_id: UUID) -> str:
    """Return the calendar in the state that the user left, on the page with the post's new day."""
    zone = formatting.user_timezone(current_user(request))
    scheduled_for = ScheduledPost.objects.filter(pk=post_id).values_list("scheduled_for", flat=True).first()
    params = _state_parameters(QueryDict(request.POST.get("back", "")))
    if scheduled_for is not None:
        params["on"] = scheduled_for.astimezone(zone).date().isoformat()
    return f"{model_admin.url('calendar')}?{urlencode(params)}"


def _day_link(params: QueryDict) -> str:
    """Return the URL of the day view with the current filters, ending in `on=` for the template to append a day."""
    filters = {name: value for name, value in _state_parameters(params).items() if name not in {"view", "on"}}
    return f"?{urlencode({**filters, 'view': 'day', 'on': ''})}"


def _state_parameters(params: QueryDict) -> dict[str, str]:
    return {name: str(params[name]) for name in STATE_PARAMETERS if params.get(name)}


def _parse_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
