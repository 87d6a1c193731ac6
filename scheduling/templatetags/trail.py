"""The trail, for its two pages."""

from collections.abc import Sequence

from django import template

from accounts.models import AuditEvent, User
from posts.admin import times
from scheduling.admin import recalling, trailing

register = template.Library()
register.filter("as_stored", recalling.stored)


@register.simple_tag
def entries_of(events: Sequence[AuditEvent]) -> list[trailing.Entry]:
    """Return the events in words."""
    return trailing.entries(events)


@register.simple_tag
def entry_of(event: AuditEvent) -> trailing.Entry:
    """Return one event in words."""
    return trailing.entries([event])[0]


@register.simple_tag(takes_context=True)
def details_of(context: template.Context, event: AuditEvent) -> list[recalling.Detail]:
    """Return what the event remembers, in words and in the reader's time."""
    user = context["request"].user
    return recalling.details(event, times.zone_of(user if isinstance(user, User) else User()))
