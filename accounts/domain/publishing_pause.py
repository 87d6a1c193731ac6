"""The pause of an organization's publishing, which an administrator orders and ends."""

from typing import Any

from django.db import transaction

from accounts import clock
from accounts.domain import audit_log, memberships
from accounts.domain.actors import Actor
from accounts.exceptions import Conflict, Forbidden, Invalid
from accounts.models import Organization

MAX_REASON = 300


def set_pause(actor: Actor, organization: Organization, reason: str | None) -> None:
    """Pause publishing for a reason, or resume it with None. Locks the organization.

    Raises Forbidden unless the actor administers the organization, Invalid without a reason, Conflict when it is paused
    or resumed already.
    """
    with transaction.atomic():
        stored = Organization.objects.select_for_update().get(pk=organization.pk)
        if not memberships.is_admin_of(actor.user, stored.pk):
            raise Forbidden("Only administrators of the organization can pause its publishing")
        if reason is not None and not reason.strip():
            raise Invalid("Enter a reason")
        if (reason is None) == (stored.publishing_paused_at is None):
            raise Conflict("Another administrator has paused or resumed publishing in the meantime")
        stored.publishing_paused_at = None if reason is None else clock.now()
        stored.publishing_pause_reason = (reason or "").strip()[:MAX_REASON]
        stored.save(update_fields=["publishing_paused_at", "publishing_pause_reason"])
        verb = "publishing.resume" if reason is None else "publishing.pause"
        details: dict[str, Any] = {"reason": stored.publishing_pause_reason} if reason is not None else {}
        subject = f"organization:{stored.pk}"
        audit_log.record(actor, verb, organization_id=stored.pk, subject=subject, **details)
