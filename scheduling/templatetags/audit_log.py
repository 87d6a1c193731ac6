"""The trail, for its two pages."""

from collections.abc import Sequence

from django import template

from accounts import formatting
from accounts.models import AuditEvent, User
from scheduling.admin import audit_details, audit_labels

register = template.Library()
register.filter("raw_json", audit_details.raw_json)


@register.simple_tag
def entries_of(events: Sequence[AuditEvent]) -> list[audit_labels.AuditRow]:
    """Return the events in words."""
    return audit_labels.entries(events)


@register.simple_tag
def entry_of(event: AuditEvent) -> audit_labels.AuditRow:
    """Return one event in words."""
    return audit_labels.entries([event])[0]


@register.simple_tag(takes_context=True)
def details_of(context: template.Context, event: AuditEvent) -> list[audit_details.Detail]:
    """Return what the event remembers, in words and in the reader's time."""
    user = context["request"].user
    return audit_details.details(event, formatting.user_timezone(user if isinstance(user, User) else User()))
