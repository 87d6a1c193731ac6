"""Template tags for the pages of the audit log."""

from collections.abc import Sequence

from django import template

from accounts import formatting
from accounts.models import AuditEvent, User
from scheduling.admin import audit_log

register = template.Library()
register.filter("raw_json", audit_log.raw_json)


@register.simple_tag
def entries_of(events: Sequence[AuditEvent]) -> list[audit_log.AuditRow]:
    """Return the events for display."""
    return audit_log.audit_rows(events)


@register.simple_tag
def entry_of(event: AuditEvent) -> audit_log.AuditRow:
    """Return one event for display."""
    return audit_log.audit_rows([event])[0]


@register.simple_tag(takes_context=True)
def details_of(context: template.Context, event: AuditEvent) -> list[audit_log.Detail]:
    """Return the details of the event, with times in the reader's time zone."""
    user = context["request"].user
    return audit_log.details(event, formatting.user_timezone(user if isinstance(user, User) else User()))
