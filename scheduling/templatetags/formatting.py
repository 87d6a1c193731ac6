"""Template tags of all admin pages: times, badges, captions, the navigation."""

import re
from datetime import datetime
from typing import Any

from django import template
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from accounts import formatting
from accounts.admin.base import memberships
from accounts.admin.users import is_superuser
from accounts.domain.organization_policy import describe
from accounts.models import AuditEvent, User
from posts.admin.superpower_description import describe_superpower, has_expired, superpower_title
from posts.models import ChannelState, PublishedPost
from scheduling.admin import actions, audit_log, dashboard, results, review_context
from scheduling.admin.calendar import render_entry
from scheduling.admin.previews import NETWORKS
from scheduling.admin.review_queue import MAX_COUNT, waiting_count
from scheduling.admin.webhooks import KIND_LABELS
from scheduling.domain import channel_health
from scheduling.domain.notifications import webhooks
from scheduling.lifecycle import Status
from scheduling.models import DispatchState, ScheduledPost
from scheduling.templatetags import visible_text

register = template.Library()

TONES: dict[str, str] = {
    Status.DRAFT: "quiet",
    Status.WAITING_FOR_APPROVAL: "amber",
    Status.REJECTED: "red",
    Status.SCHEDULED: "blue",
    Status.PUBLISHING: "violet",
    Status.PUBLISHED: "green",
    Status.FAILED: "red",
    ChannelState.CONNECTED: "green",
    ChannelState.NEEDS_RECONNECT: "amber",
    ChannelState.BLOCKED: "red",
    ChannelState.DISCONNECTED: "quiet",
    DispatchState.PENDING: "amber",
    DispatchState.SENT: "green",
}
# Navigation after the entries for posts: title, and URL names. The first is the link, the others mark it as current.
NAV: list[tuple[str, list[str]]] = [
    ("Published", ["posts_publishedpost"]),
    ("Channels", ["posts_channel"]),
    ("Superpowers", ["posts_superpowertemplate"]),
    ("Notifications", ["scheduling_notification", "scheduling_webhook"]),
    ("API keys", ["accounts_apikey"]),
    ("API", ["admin_api"]),
    ("People", ["accounts_membership", "accounts_user", "accounts_organization", "admin_policy_choose"]),
    ("Activity log", ["accounts_auditevent"]),
]


@register.simple_tag(takes_context=True)
def local_time(context: template.Context, at: datetime | None, form: str = "short") -> SafeString:
    """Render a time in the reader's time zone, followed by UTC."""
    if at is None:
        return mark_safe('<span class="faint">No date yet</span>')
    zone = formatting.user_timezone(_reader(context))
    local = formatting.format_long(at, zone) if form == "full" else formatting.format_short(at, zone)
    utc = formatting.in_utc(at, zone)
    return format_html(
        '<time datetime="{}"><span class="local">{}</span>{}</time>',
        at.isoformat(),
        local,
        format_html(' <span class="utc">{}</span>', utc) if utc else "",
    )


@register.simple_tag(takes_context=True)
def undoable_approvals(context: template.Context) -> list[int]:
    """Return the approvals that the user can undo now."""
    request = context.get("request")
    return actions.undoable(request) if request is not None else []


@register.filter
def distance(at: datetime | None) -> str:
    """Return the distance to the time: `in 3 hours`."""
    return formatting.relative(at) if at else ""


@register.filter
def since(at: datetime) -> str:
    """Return the distance to a past time in one unit: `3 hours ago`."""
    age = formatting.relative(at).partition(",")[0].removesuffix(" ago")
    return "just now" if age == "now" else f"{age} ago"


@register.simple_tag
def status_badge(value: str, label: str) -> SafeString:
    """Render a status label; the colour only repeats the text."""
    return format_html('<span class="pill pill-{}">{}</span>', TONES.get(value, "quiet"), label)


@register.filter
def network(channel_type: str) -> str:
    return NETWORKS.get(channel_type, channel_type)


@register.filter
def age(seconds: float | None) -> str:
    """Return an age: `90 s`, `5 min`, `3 h`, `never`."""
    if seconds is None:
        return "never"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


@register.filter
def initials(name: str) -> str:
    """Return up to two letters in place of an avatar."""
    parts = [part for part in re.split(r"[\s._-]+", name) if part]
    parts = [part for part in parts if not part.islower()] or parts
    return "".join(part[0] for part in parts[:2]).upper() or "?"


@register.filter
@register.filter
def kind_label(kind: str) -> str:
    return KIND_LABELS.get(kind, kind)


@register.filter
def policy_changes(changes: dict[str, bool] | None) -> list[str]:
    return describe(changes or {})


register.filter("visible", visible_text.visible)
register.filter("visible_caption", visible_text.visible_caption)
register.filter("visible_value", visible_text.visible_value)
register.filter("title_of", review_context.title_of)
register.filter("first_caption", review_context.first_caption)
register.filter("headline", review_context.headline)
register.filter("text_after_headline", review_context.text_after_headline)
register.filter("author_of", review_context.author_of)
register.filter("media_kind", review_context.media_kind)
register.filter("carousel_items", review_context.carousel_items)
register.filter("thumbnail_url", review_context.thumbnail_url)
register.filter("channel_warnings", results.channel_warnings)
register.filter("host_of", webhooks.host)
register.filter("superpower_title", superpower_title)
register.filter("describe_superpower", describe_superpower)
register.filter("has_expired", has_expired)
register.filter("raw_json", audit_log.raw_json)
register.simple_tag(dashboard.dashboard_context)
register.simple_tag(channel_health.problems_of, name="channels_with_problems")
register.simple_tag(channel_health.facts, name="channel_facts")
register.simple_tag(audit_log.audit_rows)
register.simple_tag(lambda event: audit_log.audit_rows([event])[0], name="audit_row")
register.simple_tag(render_entry)


@register.simple_tag(takes_context=True)
def audit_details(context: template.Context, event: AuditEvent) -> list[audit_log.Detail]:
    return audit_log.details(event, formatting.user_timezone(_reader(context)))


@register.simple_tag(takes_context=True)
def navigation(context: template.Context) -> list[dict[str, Any]]:
    """Return the entries of the navigation: `title`, `url`, `current` and optionally `count`."""
    request = context["request"]
    if not memberships(request):
        return _navigation_without_membership(request)
    posts = reverse("admin:scheduling_scheduledpost_changelist")
    waiting = waiting_count(_reader(context))
    on_queue, on_calendar = bool(context.get("on_queue")), bool(context.get("on_calendar"))
    entries: list[dict[str, Any]] = [
        {
            "title": "To approve",
            "url": f"{posts}?status={Status.WAITING_FOR_APPROVAL}",
            "count": waiting if waiting <= MAX_COUNT else f"{MAX_COUNT}+",
            "current": on_queue,
        },
        {
            "title": "All posts",
            "url": posts,
            "current": not on_queue and not on_calendar and request.path.startswith(posts),
        },
        {"title": "Calendar", "url": reverse("admin:scheduling_scheduledpost_calendar"), "current": on_calendar},
    ]
    return [*entries, *(_nav_entry(request, title, names) for title, names in NAV)]


def _navigation_without_membership(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the pages that do not need a membership: every other one would answer 403."""
    titles = {"API", "People"} if is_superuser(request) else {"API"}
    return [_nav_entry(request, title, names) for title, names in NAV if title in titles]


def _nav_entry(request: HttpRequest, title: str, names: list[str]) -> dict[str, Any]:
    url, *more = (reverse(name if name.startswith("admin_") else f"admin:{name}_changelist") for name in names)
    return {"title": title, "url": url, "current": request.path.startswith((url, *more))}


@register.simple_tag(takes_context=True)
def is_member(context: template.Context) -> bool:
    """Whether the user belongs to an organization; most pages show nothing without one."""
    return bool(memberships(context["request"]))


@register.simple_tag
def scheduled_post_url(published: PublishedPost) -> str:
    """Return the URL of the scheduled post that this one came from; blank when it was deleted."""
    if published.scheduled_post_id is None:
        return ""
    own = ScheduledPost.objects.filter(pk=published.scheduled_post_id, organization=published.organization_id)
    return reverse("admin:scheduling_scheduledpost_review", args=[published.scheduled_post_id]) if own.exists() else ""


def _reader(context: template.Context) -> User:
    user = context["request"].user
    return user if isinstance(user, User) else User()
