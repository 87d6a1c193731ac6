"""The calendar of scheduled posts by day, and the page that confirms rescheduling a post."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet, Window
from django.db.models.functions import RowNumber, TruncDate
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, QueryDict
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from accounts import clock, formatting
from accounts.admin.base import (
    BaseAdmin,
    current_user,
    has_role,
    membership_for,
    memberships,
    organizations_with_role,
    render_page,
)
from accounts.exceptions import DomainError, Forbidden, StaleVersion
from accounts.models import Membership, Role
from posts.models import Channel, ChannelState, PublishedPost
from scheduling.admin import actions, calendar_dates, reschedule
from scheduling.admin.forms import in_words_of_the_form
from scheduling.admin.previews import NETWORKS
from scheduling.admin.review_context import headline, open_checks, review_context, summary, title_of
from scheduling.admin.review_queue import after_in_queue
from scheduling.lifecycle import EDITABLE, StateConflict, Status
from scheduling.models import Delivery, ScheduledPost

TINTS = 10
NO_POST = UUID(int=0)
SIGNS: dict[str, str] = {
    Status.DRAFT: "○",
    Status.WAITING_FOR_APPROVAL: "◐",
    Status.REJECTED: "↩",
    Status.SCHEDULED: "●",
    Status.PUBLISHING: "▸",
    Status.PUBLISHED: "✓",
    Status.FAILED: "✕",
}
# The state of what was published without being scheduled here.
ELSEWHERE = "ELSEWHERE"
SIGNS[ELSEWHERE] = "◇"
LABELS: dict[str, str] = {**dict(Status.choices), ELSEWHERE: "Published elsewhere"}
ENTRY = (
    '<div class="entry state-{kind}{problem_class}"{reschedule_attribute}>'
    '<a class="entry-link" draggable="false" href="{url}" title="{time} {title} · {label}{channel_names}">'
    '<span class="sign sign-{sign_class}" aria-hidden="true">{sign}</span><span class="sr">{label}: </span>'
    '<time datetime="{scheduled_for}">{time}</time> <span class="entry-on">{marks}</span> '
    '<bdi class="entry-title">{title}</bdi></a>{reschedule_link}</div>'
)
MARK = '<span class="tint tint-{1} on-{2}"><span class="sr">{0} </span></span>'
RESCHEDULE_LINK = '<a class="entry-move" draggable="false" href="{}?{}">Reschedule<span class="sr"> {}</span>…</a>'


class ChannelMark(NamedTuple):
    """A channel's colour mark on an entry."""

    name: str
    tint: int
    network: str


class Entry(NamedTuple):
    """A post on the calendar: a scheduled one, or a published one that no scheduled one of that day stands for.

    problem         what is wrong with the post, in two or three words; blank if nothing is
    reschedule_url  blank if the user cannot reschedule the post
    """

    post: ScheduledPost | PublishedPost
    local: datetime
    title: str
    problem: str
    url: str
    reschedule_url: str
    channels: list[ChannelMark]


def build_entries(
    posts: Iterable[ScheduledPost],
    zone: ZoneInfo,
    marks: Mapping[int, ChannelMark],
    by_organization: Mapping[UUID, Membership],
) -> Iterator[Entry]:
    """Yield an entry per post. Needs the posts scheduled and with their deliveries."""
    # Reversing two URLs for each of hundreds of posts would dominate the time of the page.
    review_url, reschedule_url = _url_parts("review"), _url_parts("move")
    now = clock.now()
    for post in posts:
        assert post.scheduled_for is not None  # noqa: S101  they were selected by it
        pk = str(post.pk)
        can_reschedule = _can_reschedule(post, by_organization.get(post.organization_id))
        yield Entry(
            post=post,
            local=post.scheduled_for.astimezone(zone),
            title=title_of(post),
            problem=_problem(post, now),
            url=pk.join(review_url),
            reschedule_url=pk.join(reschedule_url) if can_reschedule else "",
            channels=[marks[delivery.channel_id] for delivery in post.deliveries.all()],
        )


def build_published_entries(
    posts: Iterable[PublishedPost], zone: ZoneInfo, marks: Mapping[int, ChannelMark]
) -> Iterator[Entry]:
    url = reverse("admin:posts_publishedpost_page", args=[0])
    for post in posts:
        yield Entry(
            post=post,
            local=post.published_at.astimezone(zone),
            title=headline(post.caption or ""),
            problem="",
            url=f"{post.pk}".join(url.rsplit("0", 1)),
            reschedule_url="",
            channels=[marks[post.channel_id]],
        )


def render_entry(entry: Entry, back_query: str) -> SafeString:
    """Return the entry, with a link to the reschedule page if it has one; calendar.js reads it from `data-move`.

    Not a template, which is far slower: a month has over a hundred posts.
    """
    if isinstance(entry.post, ScheduledPost):
        status = str(entry.post.status)
    else:
        status = Status.PUBLISHED if entry.post.scheduled_post_id else ELSEWHERE
    kind, empty = status.lower(), mark_safe("")
    label = LABELS[status]
    return format_html(
        ENTRY,
        kind=kind,
        problem_class=" trouble" if entry.problem else "",
        reschedule_attribute=format_html(' data-move="{}"', entry.reschedule_url) if entry.reschedule_url else empty,
        url=entry.url,
        time=f"{entry.local:%H:%M}{formatting.repeated_offset(entry.local)}",
        title=entry.title,
        label=entry.problem or label,
        channel_names="".join(f" · {mark.name}" for mark in entry.channels),
        sign_class="trouble" if entry.problem else kind,
        sign="!" if entry.problem else SIGNS[status],
        scheduled_for=entry.local.isoformat(),
        marks=format_html_join("", MARK, entry.channels),
        reschedule_link=format_html(RESCHEDULE_LINK, entry.reschedule_url, back_query, entry.title)
        if entry.reschedule_url
        else empty,
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


MAX_COUNT = 100  # posts counted per day
MAX_PROBLEMS = 90  # posts with a problem on one page
MAX_ENTRIES = {"month": 3, "week": 24, "day": MAX_COUNT - 1}  # per day, by view


@dataclass(frozen=True)
class Day:
    """A day of the page.

    outside     whether it belongs to a neighbouring month
    more        number of posts that are not shown; `more_exist`: MAX_COUNT was reached, there may be more
    last        id of the last post shown, where the next page of this day continues
    """

    date: date
    zone: ZoneInfo
    today: bool
    past: bool
    outside: bool
    entries: list[Entry]
    more: int
    more_exist: bool
    last: UUID | None

    @property
    def hours(self) -> list[tuple[int, bool, list[Entry]]]:
        """Each hour, whether it exists on this day, and its entries."""
        by_hour: dict[int, list[Entry]] = defaultdict(list)
        for entry in self.entries:
            by_hour[entry.local.hour].append(entry)
        return [(hour, calendar_dates.exists(self.date, hour, self.zone), by_hour[hour]) for hour in range(24)]


def load_days(
    posts: QuerySet[ScheduledPost],
    published: QuerySet[PublishedPost],
    span: calendar_dates.DateRange,
    *,
    marks: Mapping[int, ChannelMark],
    by_organization: Mapping[UUID, Membership],
    after: ScheduledPost | None,
) -> list[Day]:
    """Return the days of the span with their posts, in five queries. `after`: continue a long day after this post."""
    ids_by_day = _find_ids(posts, span, after)
    problem_ids = _find_problem_ids(posts, span) if after is None else []
    limit = MAX_ENTRIES[span.view]
    loaded = _load_posts({pk for ids in ids_by_day.values() for pk in ids[:limit]} | set(problem_ids))
    today = calendar_dates.today(span.zone)
    entries_by_day: dict[date, list[Entry]] = defaultdict(list)
    for entry in build_entries(loaded, span.zone, marks, by_organization):
        entries_by_day[entry.local.date()].append(entry)
    elsewhere_by_day: dict[date, list[Entry]] = defaultdict(list)
    for entry in build_published_entries(_find_published(published, span, after), span.zone, marks):
        elsewhere_by_day[entry.local.date()].append(entry)
    days = []
    for on in span.days:
        ids, elsewhere = ids_by_day[on], elsewhere_by_day[on]
        entries = _first_entries([*entries_by_day[on], *elsewhere], limit)
        more = max(0, len(ids) + len(elsewhere) - len(entries))
        shown = [entry.post.pk for entry in entries if isinstance(entry.post, ScheduledPost)]
        days.append(
            Day(
                date=on,
                zone=span.zone,
                today=on == today,
                past=on < today,
                outside=span.view == "month" and on.month != span.on.month,
                entries=entries,
                more=more,
                more_exist=MAX_COUNT in {len(ids), len(elsewhere)},
                last=shown[-1] if more and shown else None,
            )
        )
    return days


def _find_ids(
    posts: QuerySet[ScheduledPost], span: calendar_dates.DateRange, after: ScheduledPost | None
) -> defaultdict[date, list[UUID]]:
    """Return the ids of the first MAX_COUNT posts of each day that follow `after`."""
    rows = posts.filter(scheduled_for__gte=span.start, scheduled_for__lt=span.end)
    if after is not None:
        rows = rows.filter(after_in_queue(after))
    rows = rows.annotate(day=TruncDate("scheduled_for", tzinfo=span.zone))
    rows = rows.annotate(place=Window(RowNumber(), partition_by="day", order_by=("scheduled_for", "id")))
    ids_by_day: defaultdict[date, list[UUID]] = defaultdict(list)
    for day, pk in rows.filter(place__lte=MAX_COUNT).order_by("scheduled_for", "id").values_list("day", "pk"):
        ids_by_day[day].append(pk)
    return ids_by_day


def _find_published(
    published: QuerySet[PublishedPost], span: calendar_dates.DateRange, after: ScheduledPost | None
) -> list[PublishedPost]:
    """Return the first MAX_COUNT posts of each day, without those whose scheduled post is on the same day.

    The days differ when a post was published after midnight, or another of its channels was retried on another day.
    """
    scheduled = ScheduledPost.objects.annotate(on=TruncDate("scheduled_for", tzinfo=span.zone))
    same_day = scheduled.filter(pk=OuterRef("scheduled_post_id"), on=OuterRef("day"))
    start = max(span.start, after.scheduled_for) if after is not None and after.scheduled_for else span.start
    rows = published.filter(published_at__gte=start, published_at__lt=span.end, deleted_at=None)
    rows = rows.annotate(day=TruncDate("published_at", tzinfo=span.zone)).filter(~Exists(same_day))
    rows = rows.annotate(place=Window(RowNumber(), partition_by="day", order_by=("published_at", "id")))
    rows = rows.filter(place__lte=MAX_COUNT).order_by("published_at", "id")
    return list(rows.defer("reactions", "superpower", "media_url", "thumbnail_url"))


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
    return sorted(first, key=lambda entry: (entry.local.astimezone(UTC), str(entry.post.pk)))


STATE_PARAMETERS = ("view", "on", "channel", "organization")


def urls(model_admin: BaseAdmin) -> list[URLPattern]:
    wrap, label = model_admin.admin_site.admin_view, model_admin.label
    return [
        path("calendar/", wrap(partial(render_calendar, model_admin)), name=f"{label}_calendar"),
        path("<uuid:post_id>/move/", wrap(partial(reschedule_post, model_admin)), name=f"{label}_move"),
    ]


def render_calendar(model_admin: BaseAdmin, request: HttpRequest) -> HttpResponse:
    """Show a month, a week or a day. Read-only. Raises PermissionDenied for users without a membership."""
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "HEAD"])
    params, by_organization = request.GET, {each.organization_id: each for each in memberships(request)}
    if not by_organization:
        raise PermissionDenied
    zone = formatting.user_timezone(current_user(request))
    span = calendar_dates.date_range(params.get("view", ""), params.get("on", ""), zone)
    organization_id = actions.parse_uuid(params.get("organization", ""))
    selected = by_organization.get(organization_id) if organization_id else None
    organization_ids = [selected.organization_id] if selected else list(by_organization)
    all_channels = list(Channel.objects.filter(organization__in=list(by_organization)).order_by("name", "id"))
    # By id: a channel keeps its colour until a channel with a lower id is deleted.
    tints = {pk: number % TINTS for number, pk in enumerate(sorted(channel.pk for channel in all_channels))}
    marks = {
        channel.pk: ChannelMark(channel.name, tints[channel.pk], NETWORKS[channel.type].lower())
        for channel in all_channels
    }
    channels = [channel for channel in all_channels if channel.organization_id in organization_ids]
    selected_channel = next((channel for channel in channels if str(channel.pk) == params.get("channel")), None)
    posts = ScheduledPost.objects.filter(organization__in=organization_ids)
    if selected_channel:
        posts = posts.filter(deliveries__channel=selected_channel)
    after_id = actions.parse_uuid(params.get("after", ""))
    after = posts.filter(pk=after_id).first() if after_id else None
    published = PublishedPost.objects.filter(organization__in=organization_ids)
    if selected_channel:
        published = published.filter(channel=selected_channel)
    days = load_days(posts, published, span, marks=marks, by_organization=by_organization, after=after)
    state = _state_parameters(params)
    back = urlencode(state)
    filters = {name: value for name, value in state.items() if name not in {"view", "on"}}
    return render_page(
        request,
        "admin/scheduling/scheduledpost/calendar.html",
        "Calendar",
        opts=model_admin.opts,
        on_calendar=True,
        span=span,
        days=days,
        today=calendar_dates.today(zone),
        problems=[entry for day in days for entry in day.entries if entry.problem],
        channels=[(channel, tints[channel.pk]) for channel in channels if channel.state != ChannelState.DISCONNECTED],
        channel=selected_channel,
        organizations=list(by_organization.values()) if len(by_organization) > 1 else [],
        organization=selected,
        views=[(view, view.capitalize()) for view in calendar_dates.VIEWS],
        states=[(value, label, SIGNS[value]) for value, label in LABELS.items()],
        may_add=bool(organizations_with_role(request, Role.EDITOR)),
        back=back,
        # The template appends a day.
        day_link=f"?{urlencode({**filters, 'view': 'day', 'on': ''})}",
        back_query=urlencode({"back": back}),
        after=after,
    )


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
        lost = isinstance(error, StateConflict | StaleVersion)
        message = reschedule.repeated_message(request, post, request.POST["way"]) if lost else ""
        if not message:
            problem = reschedule.error_message(in_words_of_the_form(error), post)
            problems = actions.other_messages(error, problem)
            status = 403 if isinstance(error, Forbidden) else 200
            return _render_confirmation(model_admin, request, post, problem=problem, problems=problems, status=status)
    messages.success(request, message)
    # Return to the calendar as the user left it, on the page with the post's new day.
    state = _state_parameters(QueryDict(request.POST.get("back", "")))
    scheduled_for = ScheduledPost.objects.filter(pk=post_id).values_list("scheduled_for", flat=True).first()
    if scheduled_for is not None:
        zone = formatting.user_timezone(current_user(request))
        state["on"] = scheduled_for.astimezone(zone).date().isoformat()
    return HttpResponseRedirect(f"{model_admin.url('calendar')}?{urlencode(state)}")


def _render_confirmation(
    model_admin: Any,
    request: HttpRequest,
    post: ScheduledPost,
    *,
    status: int = 200,
    **extra: Any,
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
    proposed = copy(post)  # for the previews
    proposed.scheduled_for = new_time or post.scheduled_for
    back = params.get("back", "")
    context = review_context(post, reader=reader, membership=membership)
    checks = reschedule.proposed_checks(post, new_time, reader)
    context |= {
        "opts": model_admin.opts,
        "checks": summary(checks),
        # An approval on this page also has the checks of the present time.
        "shown_checks": " ".join(sorted({*context["shown_checks"].split(), *open_checks(checks)})),
        "may_recheck": False,
        "options": reschedule.reschedule_options(reader, membership, post),
        "when": when,
        "skipped": bool(when) and new_time is None,
        "new_time": new_time if new_time != post.scheduled_for else None,
        "proposed": proposed,
        "back": back,
        "calendar_url": f"{model_admin.url('calendar')}?{urlencode(_state_parameters(QueryDict(back)))}",
        "on_calendar": True,
        **extra,
    }
    title = f"Reschedule {context['heading']}"
    return render_page(request, "admin/scheduling/scheduledpost/move.html", title, status=status, **context)


def _state_parameters(params: QueryDict) -> dict[str, str]:
    return {name: str(params[name]) for name in STATE_PARAMETERS if params.get(name)}
