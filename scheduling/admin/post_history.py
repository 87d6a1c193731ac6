"""The history of a post, from the audit log."""

from collections.abc import Collection
from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.utils.text import get_text_list

from accounts.models import ActorKind, AuditEvent, User
from scheduling.lifecycle import Status
from scheduling.models import ScheduledPost

MAX_ENTRIES = 200
EVENT_LABELS = {
    "create": "created the draft",
    "edit": "edited the post",
    "submit": "submitted it for approval",
    "reject": "rejected it",
    "redraft": "returned it to draft",
    "approve": "approved and scheduled it",
    "retry": "approved a retry",
    "approve_first": "gave the first of two approvals",
    "revert": "returned it to draft",
    "correct": "corrected the captions",
    "undo": "undid the approval",
    "inspect": "checked the media",
    "claim": "started publishing",
    "succeed": "published on all channels",
    "fail": "failed on at least one channel",
    "settle": "confirmed it as published on all channels",
    "mark_live": "marked it as published",
    "discard": "deleted what was staged at the platform",
    "mark_absent": "marked it as not published",
}
FIELDS = {
    "type": "the type",
    "media": "the media",
    "mediaType": "the media type",
    "mediaSha256": "the media",
    "mediaItems": "the media",
    "altText": "the alternative text",
    "isAiGenerated": "the AI label",
    "scheduledFor": "the scheduled time",
    "channels": "the captions",
    "brief": "the note for the reviewer",
    "externalId": "the externalId",
    "metadata": "the metadata",
    "media_type": "the media type",
    "scheduled_for": "the scheduled time",
}


class HistoryEntry(NamedTuple):
    """An event of a post, with its `notes`, `reason` and `brief`. `status` is blank if the event did not change it."""

    event: AuditEvent
    actor: str
    kind: str
    action: str
    status: str
    status_label: str


def post_events(post: ScheduledPost) -> QuerySet[AuditEvent]:
    """Return the post's events, latest first."""
    return AuditEvent.objects.filter(organization_id=post.organization_id, subject=f"post:{post.pk}").order_by("-id")


def last_event_of(user: User, post: ScheduledPost, verbs: Collection[str]) -> AuditEvent | None:
    """Return the post's last event, except inspections, if it is one of `verbs` by the user and its status is still so.

    It shows that the user sends a request again, such as by a double click.
    """
    event = post_events(post).exclude(verb="inspect").first()
    if event is None or (event.actor_kind, event.actor_id) != (ActorKind.PERSON, str(user.pk)):
        return None
    return event if event.verb in verbs and event.state_to == post.status else None


def history(post: ScheduledPost) -> list[HistoryEntry]:
    """Return the latest MAX_ENTRIES events.

    The details of an event hold the content at that time, up to a megabyte, so only the keys shown are read.
    """
    events = post_events(post).defer("details")
    events = events.annotate(
        notes=KeyTextTransform("notes", "details"),
        reason=KeyTextTransform("reason", "details"),
        brief=KeyTextTransform("brief", "details"),
        fields=KeyTransform("fields", "details"),
    )
    return [_history_entry(event) for event in events[:MAX_ENTRIES]]


def _history_entry(event: Any) -> HistoryEntry:
    status = event.state_to if event.state_to != event.state_from else ""
    return HistoryEntry(
        event=event,
        actor="Dynamo" if event.actor_kind == ActorKind.WORKER else event.actor_name,
        kind={ActorKind.KEY: "API key", ActorKind.WORKER: "worker"}.get(event.actor_kind, ""),
        action=_describe_action(event),
        status=status,
        status_label=Status(status).label if status in Status.values else "",
    )


def _describe_action(event: Any) -> str:
    fields = event.fields if isinstance(event.fields, list) else []
    changed = list(dict.fromkeys(FIELDS[field] for field in fields if field in FIELDS))
    if event.verb == "edit" and changed:
        return f"changed {get_text_list(changed, 'and')}"
    return EVENT_LABELS.get(event.verb, str(event.verb).replace("_", " "))
