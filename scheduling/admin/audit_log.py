"""Audit events for display: who did what to which object, and the details of an event."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib.admin.utils import quote
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.urls import reverse

from accounts import formatting
from accounts.domain.actors import WORKER
from accounts.models import ActorKind, ApiKey, AuditEvent, Invitation, Membership, Organization, Role, User
from posts.admin.superpower_description import text_lines
from posts.models import Channel, ChannelState, ChannelType, SuperpowerTemplate
from scheduling.admin.diff import FIELDS
from scheduling.admin.post_history import EVENT_LABELS
from scheduling.admin.review_context import title_of, user_name
from scheduling.admin.webhooks import KIND_LABELS
from scheduling.domain.notifications.webhooks import host
from scheduling.lifecycle import Status
from scheduling.models import MediaType, Notification, ScheduledPost, Webhook


class Subject(NamedTuple):
    """A kind of subject. `organization` is the lookup of its organization, None for accounts, which have none."""

    title: str
    rows: QuerySet[Any] | None = None
    name: Callable[[Any], str] = str
    organization: str | None = "organization"


SUBJECTS = {
    "post": Subject("Post", ScheduledPost.objects.only("id").prefetch_related("deliveries"), title_of),
    "key": Subject("API key", ApiKey.objects.all(), attrgetter("name")),
    "channel": Subject("Channel", Channel.objects.all(), attrgetter("name")),
    "superpower": Subject("Superpower", SuperpowerTemplate.objects.defer("document"), attrgetter("name")),
    "organization": Subject("Organization", Organization.objects.all(), organization="pk"),
    "membership": Subject("Member", Membership.objects.select_related("user"), lambda row: user_name(row.user)),
    "invitation": Subject("Invitation", Invitation.objects.all(), attrgetter("email")),
    "user": Subject("Account", User.objects.all(), user_name, None),
    "webhook": Subject("Webhook", Webhook.objects.all(), host),
    "notice": Subject("Notification", Notification.objects.all(), lambda row: KIND_LABELS.get(row.kind, row.kind)),
    "trail": Subject("Activity log"),
}
VERB_LABELS: dict[str, str] = {
    **EVENT_LABELS,
    "delete": "deleted it",
    "archive": "moved old posts to the archive",
    "forget": "deleted the oldest audit events",
    "key.issue": "created the API key",
    "key.restrict": "changed the permissions of the API key",
    "key.rotate": "rotated the secret of the API key",
    "key.revoke": "revoked the API key",
    "channel.connect": "connected the channel",
    "channel.disconnect": "disconnected the channel",
    "channel.needs_reconnect": "marked the channel as needing reconnection",
    "channel.block": "marked the channel as blocked",
    "channel.resume": "resumed the channel",
    "channel.deauthorize": "withdrew the access to the channel",
    "channel.delete_token": "had the access token of the channel deleted",
    "superpower.write": "saved the superpower",
    "organization.create": "created the organization",
    "organization.change": "changed the organization",
    "publishing.hold": "held publishing",
    "publishing.release": "released publishing",
    "publishing.pause": "paused publishing",
    "publishing.resume": "resumed publishing",
    "membership.create": "added the member",
    "membership.change": "changed the role of the member",
    "membership.remove": "removed the member from the team",
    "membership.mute": "changed their notification settings",
    "invitation.send": "sent an invitation",
    "invitation.revoke": "withdrew the invitation",
    "invitation.accept": "accepted the invitation",
    "user.create": "created the account",
    "user.change": "changed the account",
    "user.sign_out_everywhere": "ended every session",
    "user.second_factor_on": "turned on two-factor authentication",
    "user.second_factor_off": "turned off two-factor authentication",
    "user.recovery_codes": "created new recovery codes",
    "user.recovery_code_used": "used a recovery code",
    "webhook.add": "added the webhook",
    "webhook.change": "changed the webhook",
    "webhook.rotate": "rotated the secret of the webhook",
    "webhook.remove": "removed the webhook",
    "notice.resend": "sent a notification again",
}
STATES: dict[str, str] = dict([*Status.choices, *ChannelState.choices])


class AuditRow(NamedTuple):
    """An event for display. `name` of the subject and `url` of its page are blank if it was deleted."""

    event: AuditEvent
    actor: str
    kind: str
    action: str
    subject_title: str
    name: str
    url: str
    before: str
    after: str


def audit_rows(events: Sequence[AuditEvent]) -> list[AuditRow]:
    """Return the events for display, with one query per kind of subject."""
    ids: dict[str, set[str]] = defaultdict(set)
    for event in events:
        kind, _, pk = event.subject.partition(":")
        ids[kind].add(pk)
    within = {event.organization_id for event in events}
    names = {kind: _names(kind, pks, within) for kind, pks in ids.items()}
    return [_audit_row(event, names) for event in events]


def _names(kind: str, pks: set[str], within: set[UUID]) -> dict[str, str]:
    """Return the names of the existing subjects of these organizations, by id."""
    subject = SUBJECTS.get(kind)
    if subject is None or subject.rows is None:
        return {}
    rows = subject.rows.filter(pk__in=_valid_ids(subject.rows.model, pks))
    if subject.organization:
        rows = rows.filter(**{f"{subject.organization}__in": within})
    return {str(row.pk): subject.name(row) for row in rows}


def _valid_ids(model: type[Model], pks: set[str]) -> list[Any]:
    ids = []
    for pk in pks:
        try:
            ids.append(model._meta.pk.to_python(pk))
        except ValidationError:
            continue
    return ids


def _audit_row(event: AuditEvent, names: dict[str, dict[str, str]]) -> AuditRow:
    kind, _, pk = event.subject.partition(":")
    name = names[kind].get(pk, "")
    pages = {"post": "scheduling_scheduledpost_review", "key": "accounts_apikey_change"}
    transitioned = event.state_to and event.state_to != event.state_from
    return AuditRow(
        event=event,
        actor="Dynamo" if (event.actor_kind, event.actor_id) == (WORKER.kind, WORKER.id) else event.actor_name,
        kind="" if event.actor_kind == ActorKind.PERSON else event.get_actor_kind_display(),
        action=VERB_LABELS.get(event.verb, re.sub(r"[._]", " ", event.verb)),
        subject_title=SUBJECTS[kind].title if kind in SUBJECTS else kind.capitalize(),
        name=name,
        url=reverse(f"admin:{pages[kind]}", args=[quote(pk)]) if name and kind in pages else "",
        before=_state_label(event.state_from) if transitioned else "",
        after=_state_label(event.state_to) if transitioned else "",
    )


def _state_label(value: str) -> str:
    return STATES.get(value, value.replace("_", " ").capitalize())


# Labels of details that differ from their key.
LABELS = {
    **FIELDS,
    "may_review": "Can approve posts",
    "review_channels": "Reviewed channels",
    "user_id": "Account",
    "user": "Account",
    "organization_id": "Organization",
    "is_active": "Active",
    "is_staff": "Can sign in",
    "is_superuser": "Superuser",
    "means": "Connected by",
    "missing": "Missing permissions",
    "tokenExpires": "Token expires",
    "upTo": "Up to event",
    "postId": "Platform id",
    "firstBy": "First approved by",
    "issued_by": "Issued by",
    "left": "Recovery codes left",
    "muted": "Muted notifications",
    "mediaSha256": "Media SHA-256",
    "url": "URL",
}
SKIPPED = {"mediumType"}  # redundant beside the channel's name
NONE_MEANS_ALL = {"channels", "review_channels"}
USER_IDS = ("issued_by", "firstBy", "user", "user_id", "invited_by")
VALUE_LABELS: dict[str, str] = dict([*Role.choices, *ChannelType.choices, *MediaType.choices, ("POST", "Post")])
MAX_DETAILS, MAX_LENGTH = 100, 2000
DATETIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")


class Detail(NamedTuple):
    """A detail of an event. `before` is None if only one value was recorded."""

    label: str
    text: str
    before: str | None = None


def details(event: AuditEvent, zone: ZoneInfo) -> list[Detail]:
    """Return the event's details without blank values, at most MAX_DETAILS."""
    channels = Channel.objects.filter(organization_id=event.organization_id).values_list("public_id", "name")
    mappings = [event.details, event.details.get("was"), event.details.get("changed")]
    ids = {
        str(mapping[name]) for mapping in mappings if isinstance(mapping, dict) for name in USER_IDS if name in mapping
    }
    users = User.objects.filter(pk__in=_valid_ids(User, ids))
    formatter = DetailFormatter(dict(channels), {str(user.pk): user_name(user) for user in users}, zone)
    return list(islice(formatter.details((), event.details), MAX_DETAILS))


def raw_json(event: AuditEvent) -> str:
    return json.dumps(event.details, ensure_ascii=False, indent=2, sort_keys=True)


class DetailFormatter(NamedTuple):
    """Formats details. `channels`: names by public id; `users`: names by id; `zone`: the reader's time zone."""

    channels: dict[str, str]
    users: dict[str, str]
    zone: ZoneInfo

    def details(self, path: tuple[str, ...], value: Any) -> Iterator[Detail]:
        name = path[-1] if path else ""
        if name in SKIPPED or (value in (None, "", [], {}) and name not in NONE_MEANS_ALL):
            return
        if isinstance(value, dict) and name in {"superpower", "document"}:
            text = "\n".join(text_lines(value))
            yield Detail(self.label(path), text[:MAX_LENGTH])
        elif isinstance(value, dict):
            for key, inner in value.items():
                yield from self.details((*path, str(key)), inner)
        elif path[:1] == ("changed",) and isinstance(value, list) and len(value) == 2:  # [before, after]
            yield Detail(self.label(path), self.format(name, value[1]), self.format(name, value[0]))
        else:
            yield Detail(self.label(path), self.format(name, value))

    def label(self, path: tuple[str, ...]) -> str:
        """Return the label of a detail, for example `Caption on Casa do Sol`."""
        name = LABELS.get(path[-1]) or re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", path[-1]).capitalize()
        channel = self.channels.get(path[-2], path[-2]) if len(path) > 2 and path[-3] == "channels" else ""
        return f"{name} on {channel}" if channel else name

    def format(self, name: str, value: Any) -> str:
        if value is None or value in ("", []):
            return "all" if name in NONE_MEANS_ALL and value is None else "none"
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, list):
            return ", ".join(self.format(name, element) for element in value)[:MAX_LENGTH]
        text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
        if name in USER_IDS:
            return self.users.get(text, text)
        if DATETIME.fullmatch(text):
            at = datetime.fromisoformat(text)
            return ", ".join(filter(None, [formatting.format_long(at, self.zone), formatting.in_utc(at, self.zone)]))
        label = self.channels.get(text) or VALUE_LABELS.get(text)
        return label or (text if len(text) <= MAX_LENGTH else f"{text[:MAX_LENGTH]}…")
