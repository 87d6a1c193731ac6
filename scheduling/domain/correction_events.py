"""The corrections of a post's captions by reviewers, read from the audit log."""

from typing import Any, NamedTuple
from uuid import UUID

from django.db.models.fields.json import KeyTransform

from accounts.models import AuditEvent
from scheduling.models import Delivery

CORRECT = "correct"


class Correction(NamedTuple):
    """A correction of which the post still has a caption: name and id of the reviewer, names of the channels."""

    by: str
    by_id: str
    channels: list[str]


def corrections_in_force(post_id: UUID) -> list[Correction]:
    """Return the corrections of which the post still has a caption, oldest first."""
    corrections = AuditEvent.objects.filter(subject=f"post:{post_id}", verb=CORRECT).defer("details")
    events = list(corrections.annotate(changed=KeyTransform("changed", "details")).order_by("pk"))
    if not events:
        return []
    rows = Delivery.objects.filter(post=post_id).values_list("channel__public_id", "channel__name", "caption")
    present = {public_id: (name, caption) for public_id, name, caption in rows}
    found = []
    for event in events:
        changes: dict[str, Any] = vars(event)["changed"]["channels"]
        kept = [key for key, change in changes.items() if key in present and present[key][1] == change["caption"][1]]
        names = [present[key][0] for key in kept]
        if names:
            found.append(Correction(event.actor_name, event.actor_id, names))
    return found
