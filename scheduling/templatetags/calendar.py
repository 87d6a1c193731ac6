"""Renders a post on the calendar. Not a template, which is far slower: a month has over a hundred posts."""

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from scheduling.admin.calendar import Entry

register = template.Library()

ENTRY = (
    '<div class="entry state-{kind}{problem_class}"{reschedule_attribute}>'
    '<a class="entry-link" draggable="false" href="{url}" title="{time} {title} · {label}{channel_names}">'
    '<span class="sign sign-{sign_class}" aria-hidden="true">{sign}</span><span class="sr">{label}: </span>'
    '<time datetime="{scheduled_for}">{time}</time> <span class="entry-on">{marks}</span> '
    '<bdi class="entry-title">{title}</bdi></a>{reschedule_link}</div>'
)
MARK = '<span class="tint tint-{} on-{}"><span class="sr">{} </span></span>'
RESCHEDULE_LINK = '<a class="entry-move" draggable="false" href="{}?{}">Reschedule<span class="sr"> {}</span>…</a>'


@register.simple_tag(takes_context=True)
def render_entry(context: template.Context, entry: Entry) -> SafeString:
    """Return the entry, with a link to the reschedule page if it has one; calendar.js reads it from `data-move`."""
    empty = mark_safe("")
    return format_html(
        ENTRY,
        kind=entry.kind,
        problem_class=" trouble" if entry.problem else "",
        reschedule_attribute=format_html(' data-move="{}"', entry.reschedule_url) if entry.reschedule_url else empty,
        url=entry.url,
        time=entry.time,
        title=entry.title,
        label=entry.label,
        channel_names="".join(f" · {mark.name}" for mark in entry.channels),
        sign_class="trouble" if entry.problem else entry.kind,
        sign=entry.sign,
        scheduled_for=entry.local.isoformat(),
        marks=format_html_join("", MARK, ((mark.tint, mark.network, mark.name) for mark in entry.channels)),
        reschedule_link=format_html(RESCHEDULE_LINK, entry.reschedule_url, context["back_query"], entry.title)
        if entry.reschedule_url
        else empty,
    )
