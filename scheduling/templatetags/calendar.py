"""A post on the calendar. Not a template: a month has over a hundred of them, and a template takes far longer."""

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from scheduling.admin.calendar import Entry

register = template.Library()

ENTRY = (
    '<div class="entry state-{kind}{troubled}"{moved}>'
    '<a class="entry-link" draggable="false" href="{url}" title="{time} {title} · {said}{names}">'
    '<span class="sign sign-{signed}" aria-hidden="true">{sign}</span><span class="sr">{said}: </span>'
    '<time datetime="{instant}">{time}</time> <span class="entry-on">{marks}</span> '
    '<bdi class="entry-title">{title}</bdi></a>{mover}</div>'
)
MARK = '<span class="tint tint-{} on-{}"><span class="sr">{} </span></span>'
MOVER = '<a class="entry-move" draggable="false" href="{}?{}">Move<span class="sr"> {}</span>…</a>'


@register.simple_tag(takes_context=True)
def entry(context: template.Context, one: Entry) -> SafeString:
    """Show a post, with the link that moves it for whoever may; scripts take its address from `data-move`."""
    nothing = mark_safe("")
    return format_html(
        ENTRY,
        kind=one.kind,
        troubled=" trouble" if one.trouble else "",
        moved=format_html(' data-move="{}"', one.move) if one.move else nothing,
        url=one.url,
        time=one.time,
        title=one.title,
        said=one.said,
        names="".join(f" · {mark.name}" for mark in one.on),
        signed="trouble" if one.trouble else one.kind,
        sign=one.sign,
        instant=one.local.isoformat(),
        marks=format_html_join("", MARK, ((mark.tint, mark.network, mark.name) for mark in one.on)),
        mover=format_html(MOVER, one.move, context["back_query"], one.title) if one.move else nothing,
    )
