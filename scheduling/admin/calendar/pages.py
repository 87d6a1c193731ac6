"""The pages: the calendar itself, and the one that asks before a post is moved."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from accounts.admin.scoping import organizations_as
from accounts.errors import Forbidden, Refusal
from accounts.models import Membership, Role
from posts.admin import times
from posts.admin.desk import DeskAdmin
from posts.admin.people import membership_in, memberships, signed_in
from posts.models import Channel, ChannelState
from scheduling.admin import page
from scheduling.admin.calendar import entries, grid, moving, reading
from scheduling.lifecycle import StateConflict, Status
from scheduling.models import ScheduledPost

KEPT = ("view", "on", "channel", "organization")


def urls(desk: DeskAdmin) -> list[URLPattern]:
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


def show(desk: DeskAdmin, request: HttpRequest) -> HttpResponse:
    """Show a month, a week or a day. Reads only."""
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "HEAD"])
    asked, own = request.GET, memberships(request)
    if not own:
        raise PermissionDenied  # as the other lists refuse whoever belongs nowhere
    span = grid.span(asked.get("view", ""), asked.get("on", ""), times.zone_of(signed_in(request)))
    chosen = next((one for one in own if str(one.organization_id) == asked.get("organization")), None)
    within = [chosen] if chosen else own
    channels = list(
        Channel.objects.filter(organization__in=[one.organization_id for one in own]).order_by("name", "id")
    )
    tints = entries.tinted(channels)
    shown = [one for one in channels if one.organization_id in {each.organization_id for each in within}]
    channel = next((one for one in shown if str(one.pk) == asked.get("channel")), None)
    posts = _posts(within, channel)
    after = posts.filter(pk=_uuid(asked.get("after", ""))).first() if asked.get("after") else None
    look = entries.Look({one.pk: one for one in channels}, tints, {one.organization_id: one for one in own})
    days = reading.days(posts, span, look=look, after=after)
    context = {**desk.admin_site.each_context(request), "opts": desk.opts, "title": "Calendar", "on_calendar": True}
    context |= {
        "span": span,
        "days": days,
        "today": grid.today(span.zone),
        "empty": not any(one.count for one in days),
        "troubled": [one for day in days for one in day.entries if one.trouble],
        "channels": [(one, tints[one.pk]) for one in shown if one.state != ChannelState.DISCONNECTED],
        "channel": channel,
        "organizations": own if len(own) > 1 else [],
        "organization": chosen,
        "views": [(one, one.capitalize()) for one in grid.VIEWS],
        "states": [(value, str(label), entries.SIGNS[value]) for value, label in Status.choices],
        "may_add": bool(organizations_as(request, Role.EDITOR)),
        "back": (back := urlencode(_kept(request.GET))),
        "day_link": _day_link(request.GET),
        "back_query": urlencode({"back": back}),
        "after": after,
    }
    return TemplateResponse(request, "admin/scheduling/scheduledpost/calendar.html", context)


def move(desk: Any, request: HttpRequest, post_id: UUID) -> HttpResponse:
    """Ask whether, how and to which instant the post is to be moved; a POST does it, by the way that it names."""
    if request.method != "POST":
        return _ask(desk, request, desk.whole(request, post_id))
    way = moving.WAYS.get(request.POST.get("way", ""))
    if way is None:
        return _ask(desk, request, desk.whole(request, post_id), problem="Choose how it is to be moved.")
    try:
        said = way(request, desk.whole(request, post_id))
    except Refusal as refusal:
        if isinstance(refusal, StateConflict) and refusal.status is None:
            messages.error(request, "This post has been deleted in the meantime.")
            return HttpResponseRedirect(desk.address("calendar"))
        post = desk.whole(request, post_id)
        details = refusal.details if isinstance(refusal.details, list) else []
        problem = moving.in_words(refusal, post)
        more = [one["message"] for one in details if one["message"] != problem]
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
    reader, membership = signed_in(request), membership_in(request, post.organization_id)
    zone = times.zone_of(reader)
    if request.method == "POST":
        when = request.POST.get("when", "")
    else:
        when = grid.onto(post.scheduled_for, request.GET.get("to", ""), zone)
        when = when or times.as_input(post.scheduled_for, zone)
    instant = moving.proposed(when, post, reader)
    shown = page.context(post, reader=reader, membership=membership)
    shown |= {"checks": page.summary(moving.proposed_checks(post, instant, reader)), "may_recheck": False}
    given = request.POST if request.method == "POST" else request.GET
    context = {**desk.admin_site.each_context(request), "opts": desk.opts, **shown, "title": f"Move {shown['heading']}"}
    context |= {
        "ways": moving.ways(reader, membership, post),
        "when": when,
        "skipped": bool(when) and instant is None,
        "instant": instant if instant != post.scheduled_for else None,
        "problem": problem,
        "problems": problems or [],
        "back": given.get("back", ""),
        "calendar_url": f"{desk.address('calendar')}?{urlencode(_kept(QueryDict(given.get('back', ''))))}",
        "on_calendar": True,
    }
    return TemplateResponse(request, "admin/scheduling/scheduledpost/move.html", context, status=code)


def _posts(within: list[Membership], channel: Channel | None) -> Any:
    ids = [one.organization_id for one in within]
    # One organization by equality: the index then gives its posts in order.
    posts = ScheduledPost.objects.filter(**({"organization": ids[0]} if len(ids) == 1 else {"organization__in": ids}))
    return posts.filter(deliveries__channel=channel) if channel else posts


def _onward(desk: DeskAdmin, request: HttpRequest, post_id: UUID) -> str:
    """Return the calendar as the person left it, on the page that shows the post's new day."""
    zone = times.zone_of(signed_in(request))
    due = ScheduledPost.objects.filter(pk=post_id).values_list("scheduled_for", flat=True).first()
    kept = _kept(QueryDict(request.POST.get("back", "")))
    if due is not None:
        kept["on"] = due.astimezone(zone).date().isoformat()
    return f"{desk.address('calendar')}?{urlencode(kept)}"


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
