"""What the desk's templates share: instants, pills, marked captions, the navigation."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django import template
from django.conf import settings
from django.urls import reverse
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from accounts import formatting
from accounts.domain.organization_policy import describe
from accounts.models import User
from posts.admin.superpowers import describe_superpower, has_expired, superpower_title
from posts.models import ChannelState, ChannelType
from scheduling.admin import dashboard, failure_help, results, review_context
from scheduling.admin.review_queue import COUNTED, waiting_count
from scheduling.admin.webhooks import IN_WORDS
from scheduling.domain.notifications import webhooks
from scheduling.lifecycle import Status
from scheduling.models import DispatchState, ScheduledPost

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
LOOPBACK = {"127.0.0.1", "localhost"}
NETWORKS: dict[str, str] = {ChannelType.FB_PAGE: "Facebook", ChannelType.INSTAGRAM_ACCOUNT: "Instagram"}
# The header's entries after the posts: the model whose list each leads to, and those whose pages are a part of it.
NAV: list[tuple[str, list[str]]] = [
    ("Live", ["posts_publishedpost"]),
    ("Channels", ["posts_channel"]),
    ("Superpowers", ["posts_superpowertemplate"]),
    ("Notices", ["scheduling_notification", "scheduling_webhook"]),
    ("Keys", ["accounts_apikey"]),
    ("API", ["admin_api"]),
    ("People", ["accounts_membership", "accounts_user", "accounts_organization", "admin_policy_choose"]),
    ("Trail", ["accounts_auditevent"]),
]
MARKED = re.compile(r"(?P<link>https?://[^\s<>]+)|(?P<tag>(?<![\w&/])[#@]\w[\w.]*\w|(?<![\w&/])[#@]\w)")


@register.simple_tag(takes_context=True)
def local_time(context: template.Context, instant: datetime | None, form: str = "short") -> SafeString:
    """Show an instant in the reader's time zone, with UTC beside it."""
    if instant is None:
        return mark_safe('<span class="faint">No date yet</span>')
    zone = formatting.user_timezone(_reader(context))
    words = formatting.format_long(instant, zone) if form == "full" else formatting.format_short(instant, zone)
    utc = formatting.in_utc(instant, zone)
    return format_html(
        '<time datetime="{}"><span class="local">{}</span>{}</time>',
        instant.isoformat(),
        words,
        format_html(' <span class="utc">{}</span>', utc) if utc else "",
    )


@register.filter
def distance(instant: datetime | None) -> str:
    """Return how far away the instant is, in words."""
    return formatting.relative(instant) if instant else ""


@register.filter
def since(instant: datetime) -> str:
    """Return how long ago that was, in one unit: `3 hours ago`."""
    words = formatting.relative(instant).partition(",")[0].removesuffix(" ago")
    return "just now" if words == "now" else f"{words} ago"


@register.simple_tag
def status_badge(value: str, label: str) -> SafeString:
    """Show a state as a coloured label; the colour only repeats what the word says."""
    return format_html('<span class="pill pill-{}">{}</span>', TONES.get(value, "quiet"), label)


@register.filter
def network(channel_type: str) -> str:
    """Return the platform's name for a channel type."""
    return NETWORKS.get(channel_type, channel_type)


@register.filter
def age(seconds: float | None) -> str:
    """Return an age in words."""
    if seconds is None:
        return "never"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


@register.filter
def initials(name: str) -> str:
    """Return up to two letters that stand for a picture of the account."""
    words = [word for word in re.split(r"[\s._-]+", name) if word]
    words = [word for word in words if not word.islower()] or words
    return "".join(word[0] for word in words[:2]).upper() or "?"


@register.filter
def highlight_tags(caption: str) -> SafeString:
    """Show a caption with its hashtags, mentions and links coloured as the platforms colour them. Nothing is cut."""
    parts, at = [], 0
    for found in MARKED.finditer(caption):
        parts.append(escape(caption[at : found.start()]))
        parts.append(format_html('<span class="{}">{}</span>', found.lastgroup or "", found.group()))
        at = found.end()
    parts.append(escape(caption[at:]))
    return mark_safe("".join(parts))  # noqa: S308  every part is escaped above


@register.filter
def can_be_shown(url: str | None) -> bool:
    """Whether the Content-Security-Policy lets a page show the media at `url`: https, or loopback while admitted.

    The same rule as `img-src` in the settings.
    """
    try:
        parts = urlsplit(url or "")
        host = parts.hostname
    except ValueError:
        return False
    return bool(host) and (
        parts.scheme == "https" or (parts.scheme == "http" and settings.SANDBOXED and host in LOOPBACK)
    )


@register.filter
def news(kind: str) -> str:
    """Return a kind of news in words."""
    return IN_WORDS.get(kind, kind)


@register.filter
def rules_in_words(rules: dict[str, bool] | None) -> list[str]:
    """Return a sentence for each rule that was changed."""
    return describe(rules or {})


register.filter("title_of", review_context.title_of)
register.filter("headline_of", review_context.headline_of)
register.filter("headline", review_context.headline)
register.filter("caption_after_headline", review_context.caption_after_headline)
register.filter("author_of", review_context.author_of)
register.filter("channel_warnings", failure_help.channel_warnings)
register.filter("media_kind", review_context.kind_of)
register.filter("kind_at", review_context.kind_at)
register.filter("host_of", webhooks.host)
register.filter("superpower_title", superpower_title)
register.filter("describe_superpower", describe_superpower)
register.filter("has_expired", has_expired)


@register.simple_tag(takes_context=True)
def desk_nav(context: template.Context) -> list[dict[str, Any]]:
    """Return the entries of the header: title, address, whether it is the page we are on, and a count."""
    request = context["request"]
    posts = reverse("admin:scheduling_scheduledpost_changelist")
    waiting = waiting_count(_reader(context))
    queue = f"{posts}?status={Status.WAITING_FOR_APPROVAL}"
    queued = context.get("status") == Status.WAITING_FOR_APPROVAL
    dated = bool(context.get("on_calendar"))
    entries: list[dict[str, Any]] = [
        {
            "title": "To approve",
            "url": queue,
            "count": waiting if waiting <= COUNTED else f"{COUNTED}+",
            "current": queued,
        },
        {"title": "All posts", "url": posts, "current": not queued and not dated and request.path.startswith(posts)},
        {"title": "Calendar", "url": reverse("admin:scheduling_scheduledpost_calendar"), "current": dated},
    ]
    for title, models in NAV:
        url, *more = (_address(model) for model in models)
        entries.append({"title": title, "url": url, "current": request.path.startswith((url, *more))})
    return entries


def _address(place: str) -> str:
    """Return the address of a page of our own by its name, or of a model's list."""
    return reverse(place if place.startswith("admin_") else f"admin:{place}_changelist")


def _reader(context: template.Context) -> User:
    user = context["request"].user
    return user if isinstance(user, User) else User()


@register.simple_tag(takes_context=True)
def desk_overview(context: template.Context) -> dict[str, Any]:
    """Return what the front page shows."""
    return dashboard.dashboard_context(_reader(context))


@register.simple_tag
def fates_of(posts: Sequence[ScheduledPost]) -> dict[UUID, list[results.ChannelResult]]:
    """Return what became of the posts that are over, by id."""
    return results.channel_results(posts)


@register.filter("of")
def value_of(mapping: dict[Any, Any], key: Any) -> Any:
    """Return what a mapping holds for a key, None for nothing."""
    return mapping.get(key)
