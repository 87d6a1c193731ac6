"""The history of a post: what the trail says of it, line by line, in words."""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.db.models.fields.json import KeyTextTransform, KeyTransform

from accounts.models import ActorKind, AuditEvent
from scheduling.lifecycle import Status
from scheduling.models import ScheduledPost

LINES = 200
DEEDS = {
    "create": "wrote it",
    "edit": "changed it",
    "submit": "handed it to the reviewers",
    "reject": "rejected it",
    "redraft": "took it back to draft",
    "approve": "approved and scheduled it",
    "retry": "approved another try",
    "approve_first": "approved it, as the first of two",
    "revert": "took it back to draft",
    "inspect": "looked at the media",
    "claim": "began to publish",
    "succeed": "saw every channel live",
    "fail": "could not bring it live everywhere",
    "settle": "found it live everywhere after all",
    "mark_live": "said that it is live",
    "mark_absent": "said that it is not live",
}
FIELDS = {
    "type": "the type",
    "media": "the media",
    "mediaType": "the media type",
    "mediaSha256": "the media",
    "scheduledFor": "the instant",
    "channels": "the text on its channels",
    "brief": "the brief",
    "media_type": "the media type",
    "scheduled_for": "the instant",
}


@dataclass(frozen=True)
class HistoryEntry:
    """One line of the post's history. `status` is the state that it brought about, empty when that did not change."""

    event: AuditEvent
    who: str
    kind: str
    deed: str
    notes: str
    brief: str
    status: str
    status_label: str


def post_events(post: ScheduledPost) -> QuerySet[AuditEvent]:
    """Return the post's events, latest first."""
    return AuditEvent.objects.filter(organization_id=post.organization_id, subject=f"post:{post.pk}").order_by("-id")


def history(post: ScheduledPost) -> list[HistoryEntry]:
    """Return the last lines of the post's history.

    Each event carries the whole content of its time, up to a megabyte: only what is told is read.
    """
    events = (
        post_events(post)
        .defer("details")
        .annotate(
            notes=KeyTextTransform("notes", "details"),
            brief=KeyTextTransform("brief", "details"),
            fields=KeyTransform("fields", "details"),
        )
    )
    return [_line(event) for event in events[:LINES]]


def _line(event: Any) -> HistoryEntry:
    moved = event.state_to and event.state_to != event.state_from
    worker = event.actor_kind == ActorKind.WORKER
    return HistoryEntry(
        event=event,
        who="Dynamo" if worker else event.actor_name,
        kind={ActorKind.KEY: "API key", ActorKind.WORKER: "worker"}.get(event.actor_kind, ""),
        deed=_deed(event),
        notes=event.notes or "",
        brief=event.brief or "",
        status=event.state_to if moved else "",
        status_label=Status(event.state_to).label if moved and event.state_to in Status.values else "",
    )


def _deed(event: Any) -> str:
    fields = event.fields if isinstance(event.fields, list) else []
    changed = list(dict.fromkeys(FIELDS[field] for field in fields if field in FIELDS))
    if event.verb != "edit" or not changed:
        return DEEDS.get(event.verb, str(event.verb).replace("_", " "))
    listed = changed[0] if len(changed) == 1 else f"{', '.join(changed[:-1])} and {changed[-1]}"
    return f"changed {listed}"
