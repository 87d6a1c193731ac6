"""Audit events for display: who did what to which object, and the details of an event."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.urls import reverse

from accounts import formatting
from accounts.models import ActorKind, ApiKey, AuditEvent, Invitation, Membership, Organization, Role, User
from posts.admin.superpowers import describe_superpower, superpower_title
from posts.models import Channel, ChannelState, ChannelType, SuperpowerTemplate
from scheduling.admin.diff import FIELDS
from scheduling.admin.post_history import EVENT_LABELS
from scheduling.admin.review_context import title_of
from scheduling.admin.webhooks import KIND_LABELS
from scheduling.domain.notifications.webhooks import host
from scheduling.lifecycle import Status
from scheduling.models import Notification, ScheduledPost, Webhook

Labels = dict[str, str]
UUID_PATTERN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def object_labels(kind: str, within: set[UUID], ids: set[str]) -> Labels:
    """Return the names of existing objects of one kind by id. `within`: only of these organizations."""
    return LABEL_QUERIES[kind](within, ids) if kind in LABEL_QUERIES else {}


def _integers(pks: Iterable[str]) -> list[int]:
    return [int(pk) for pk in pks if pk.isascii() and pk.isdecimal()]


def _uuids(pks: Iterable[str]) -> list[UUID]:
    return [UUID(pk) for pk in pks if UUID_PATTERN.fullmatch(pk)]


def _labels(rows: Iterable[Any], label: Callable[[Any], str] = str) -> Labels:
    return {str(row.pk): label(row) for row in rows}


def _user_name(user: User) -> str:
    return user.get_full_name() or user.get_username()


def _members(within: set[UUID], pks: set[str]) -> Labels:
    rows = Membership.objects.filter(pk__in=_integers(pks), organization__in=within).select_related("user")
    return _labels(rows, lambda membership: _user_name(membership.user))


def _posts(within: set[UUID], pks: set[str]) -> Labels:
    rows = ScheduledPost.objects.filter(pk__in=_uuids(pks), organization__in=within).only("id")
    return _labels(rows.prefetch_related("deliveries"), title_of)


def _superpowers(within: set[UUID], pks: set[str]) -> Labels:
    rows = SuperpowerTemplate.objects.filter(pk__in=_uuids(pks), organization__in=within).defer("document")
    return _labels(rows, lambda row: row.name)


# By kind of subject in the audit log: functions from organization ids and object ids to names by id.
LABEL_QUERIES: dict[str, Callable[[set[UUID], set[str]], Labels]] = {
    "post": _posts,
    "key": lambda within, pks: _labels(
        ApiKey.objects.filter(pk__in=pks, organization__in=within), lambda row: row.name
    ),
    "channel": lambda within, pks: _labels(
        Channel.objects.filter(pk__in=_integers(pks), organization__in=within), lambda row: row.name
    ),
    "superpower": _superpowers,
    "organization": lambda within, pks: _labels(Organization.objects.filter(pk__in=within & set(_uuids(pks)))),
    "membership": _members,
    "invitation": lambda within, pks: _labels(
        Invitation.objects.filter(pk__in=_uuids(pks), organization__in=within), lambda invitation: invitation.email
    ),
    "user": lambda _, pks: _labels(User.objects.filter(pk__in=_integers(pks)), _user_name),
    "webhook": lambda within, pks: _labels(Webhook.objects.filter(pk__in=_uuids(pks), organization__in=within), host),
    "notice": lambda within, pks: _labels(
        Notification.objects.filter(pk__in=_uuids(pks), organization__in=within),
        lambda notification: KIND_LABELS.get(notification.kind, notification.kind),
    ),
}


VERB_LABELS: dict[str, str] = {
    **EVENT_LABELS,
    "delete": "deleted it",
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
    "superpower.write": "saved the superpower",
    "organization.create": "created the organization",
    "organization.change": "changed the organization",
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
KIND_NAMES = {
    "post": "Post", "key": "API key", "channel": "Channel", "superpower": "Superpower", "organization": "Organization",
    "membership": "Member", "invitation": "Invitation", "user": "Account", "webhook": "Webhook",
    "notice": "Notification", "trail": "Activity log",
}  # fmt: skip
STATES: dict[str, str] = dict([*Status.choices, *ChannelState.choices])


@dataclass(frozen=True)
class AuditRow:
    """An event for display. `name` of the subject and `url` of its page are blank if it was deleted."""

    event: AuditEvent
    who: str
    kind: str
    deed: str
    thing: str
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
    labels = {kind: object_labels(kind, within, pks) for kind, pks in ids.items()}
    return [_audit_row(event, labels) for event in events]


def _audit_row(event: AuditEvent, labels: dict[str, dict[str, str]]) -> AuditRow:
    kind, _, pk = event.subject.partition(":")
    name = labels.get(kind, {}).get(pk, "")
    worker = event.actor_kind == ActorKind.WORKER
    transitioned = event.state_to and event.state_to != event.state_from
    return AuditRow(
        event=event,
        who="Dynamo" if worker else event.actor_name,
        kind="" if event.actor_kind == ActorKind.PERSON else event.get_actor_kind_display(),
        deed=VERB_LABELS.get(event.verb, re.sub(r"[._]", " ", event.verb)),
        thing=KIND_NAMES.get(kind, kind.capitalize()),
        name=name,
        url=_url(kind, pk) if name else "",
        before=_state_label(event.state_from) if transitioned else "",
        after=_state_label(event.state_to) if transitioned else "",
    )


def _state_label(value: str) -> str:
    return STATES.get(value, value.replace("_", " ").capitalize())


def _url(kind: str, pk: str) -> str:
    pages = {"post": "scheduling_scheduledpost_review", "key": "accounts_apikey_change"}
    return reverse(f"admin:{pages[kind]}", args=[pk]) if kind in pages else ""


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
VALUE_LABELS: dict[str, str] = {
    **dict(Role.choices),
    **dict(ChannelType.choices),
    "POST": "Post",
    "IMAGE": "Image",
    "VIDEO": "Video",
}
MAX_DETAILS, MAX_LENGTH = 100, 2000
DATETIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True)
class Detail:
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
    users = User.objects.filter(pk__in=_integers(ids))
    formatter = DetailFormatter(dict(channels), _labels(users, _user_name), zone)
    return list(islice(formatter.details((), event.details), MAX_DETAILS))


def raw_json(event: AuditEvent) -> str:
    """Return the details as stored."""
    return json.dumps(event.details, ensure_ascii=False, indent=2, sort_keys=True)


@dataclass(frozen=True)
class DetailFormatter:
    """Formats details. `channels`: names by public id; `users`: names by id; `zone`: the reader's time zone."""

    channels: dict[str, str]
    users: dict[str, str]
    zone: ZoneInfo

    def details(self, path: tuple[str, ...], value: Any) -> Iterator[Detail]:
        """Yield the details of the value under `path`."""
        name = path[-1] if path else ""
        if name in SKIPPED or (value in (None, "", [], {}) and name not in NONE_MEANS_ALL):
            return
        if isinstance(value, dict) and name in {"superpower", "document"}:
            yield Detail(
                self.label(path), "\n".join([superpower_title(value), *describe_superpower(value)])[:MAX_LENGTH]
            )
        elif isinstance(value, dict):
            for key, inner in value.items():
                yield from self.details((*path, str(key)), inner)
        elif path[:1] == ("changed",) and isinstance(value, list) and len(value) == 2:  # [before, after]
            yield Detail(self.label(path), self.format(name, value[1]), self.format(name, value[0]))
        else:
            yield Detail(self.label(path), self.format(name, value))

    def label(self, path: tuple[str, ...]) -> str:
        """Return the label of a detail, for example `Caption on Casa do Sol`."""
        name = LABELS.get(path[-1]) or _humanize(path[-1])
        channel = self.channels.get(path[-2], path[-2]) if len(path) > 2 and path[-3] == "channels" else ""
        return f"{name} on {channel}" if channel else name

    def format(self, name: str, value: Any) -> str:
        """Return a value as text."""
        if value is None or value in ("", []):
            return "all" if name in NONE_MEANS_ALL and value is None else "none"
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, list):
            return ", ".join(self.format(name, element) for element in value)[:MAX_LENGTH]
        return self._text(name, json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value))

    def _text(self, name: str, text: str) -> str:
        if name in USER_IDS:
            return self.users.get(text, text)
        if DATETIME.fullmatch(text):
            at = datetime.fromisoformat(text)
            return ", ".join(filter(None, [formatting.format_long(at, self.zone), formatting.in_utc(at, self.zone)]))
        label = self.channels.get(text) or VALUE_LABELS.get(text)
        return label or (text if len(text) <= MAX_LENGTH else f"{text[:MAX_LENGTH]}…")


def _humanize(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name).capitalize()
