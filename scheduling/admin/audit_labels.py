"""The audit log in words: who did what to which object, for a page of events at once."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.urls import reverse

from accounts.models import ActorKind, ApiKey, AuditEvent, Invitation, Membership, Organization, User
from posts.models import Channel, ChannelState, SuperpowerTemplate
from scheduling.admin.post_history import DEEDS
from scheduling.admin.review_context import title_of
from scheduling.admin.webhooks import IN_WORDS
from scheduling.domain.notifications.webhooks import host
from scheduling.lifecycle import Status
from scheduling.models import Notification, ScheduledPost, Webhook

Labels = dict[str, str]
AN_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def object_labels(kind: str, within: set[UUID], ids: set[str]) -> Labels:
    """Return the names of the organizations' things of one kind by id, without those that are gone."""
    return NAMED[kind](within, ids) if kind in NAMED else {}


def _numbers(pks: Iterable[str]) -> list[int]:
    return [int(item) for item in pks if item.isascii() and item.isdecimal()]


def _uuids(pks: Iterable[str]) -> list[UUID]:
    return [UUID(item) for item in pks if AN_ID.fullmatch(item)]


def _called(rows: Iterable[Any], words: Callable[[Any], str] = str) -> Labels:
    return {str(row.pk): words(row) for row in rows}


def _person(user: User) -> str:
    return user.get_full_name() or user.get_username()


def _members(within: set[UUID], pks: set[str]) -> Labels:
    rows = Membership.objects.filter(pk__in=_numbers(pks), organization__in=within).select_related("user")
    return _called(rows, lambda one: _person(one.user))


def _posts(within: set[UUID], pks: set[str]) -> Labels:
    rows = ScheduledPost.objects.filter(pk__in=_uuids(pks), organization__in=within).only("id")
    return _called(rows.prefetch_related("deliveries"), title_of)


def _superpowers(within: set[UUID], pks: set[str]) -> Labels:
    rows = SuperpowerTemplate.objects.filter(pk__in=_uuids(pks), organization__in=within).defer("document")
    return _called(rows, lambda one: one.name)


# How things are called, by the kind that the trail names them with: takes organizations and ids, gives names by id.
NAMED: dict[str, Callable[[set[UUID], set[str]], Labels]] = {
    "post": _posts,
    "key": lambda within, pks: _called(
        ApiKey.objects.filter(pk__in=pks, organization__in=within), lambda one: one.name
    ),
    "channel": lambda within, pks: _called(
        Channel.objects.filter(pk__in=_numbers(pks), organization__in=within), lambda one: one.name
    ),
    "superpower": _superpowers,
    "organization": lambda within, pks: _called(Organization.objects.filter(pk__in=within & set(_uuids(pks)))),
    "membership": _members,
    "invitation": lambda within, pks: _called(
        Invitation.objects.filter(pk__in=_uuids(pks), organization__in=within), lambda one: one.email
    ),
    "user": lambda _, pks: _called(User.objects.filter(pk__in=_numbers(pks)), _person),
    "webhook": lambda within, pks: _called(Webhook.objects.filter(pk__in=_uuids(pks), organization__in=within), host),
    "notice": lambda within, pks: _called(
        Notification.objects.filter(pk__in=_uuids(pks), organization__in=within),
        lambda one: IN_WORDS.get(one.kind, one.kind),
    ),
}


SAID: dict[str, str] = {
    **DEEDS,
    "delete": "deleted it",
    "forget": "took the oldest events out of the trail",
    "key.issue": "issued the key",
    "key.restrict": "changed what the key may do",
    "key.rotate": "gave the key a new secret",
    "key.revoke": "revoked the key",
    "channel.connect": "connected the channel",
    "channel.disconnect": "disconnected the channel",
    "channel.needs_reconnect": "found that the channel needs reconnecting",
    "channel.block": "found the channel blocked",
    "channel.resume": "resumed the channel",
    "superpower.write": "saved the superpower",
    "organization.create": "made the organization",
    "organization.change": "changed the organization",
    "membership.create": "added the member",
    "membership.change": "changed what the member may do",
    "membership.remove": "ended the membership",
    "membership.mute": "chose what to be told",
    "invitation.send": "invited somebody",
    "invitation.revoke": "withdrew the invitation",
    "invitation.accept": "accepted the invitation",
    "user.create": "made the account",
    "user.change": "changed the account",
    "user.sign_out_everywhere": "ended every session",
    "user.second_factor_on": "switched the second factor on",
    "user.second_factor_off": "switched the second factor off",
    "user.recovery_codes": "made new recovery codes",
    "user.recovery_code_used": "used a recovery code",
    "webhook.add": "added the webhook",
    "webhook.change": "changed the webhook",
    "webhook.rotate": "gave the webhook a new secret",
    "webhook.remove": "removed the webhook",
    "notice.resend": "had a notice sent again",
}
THINGS = {
    "post": "Post", "key": "Key", "channel": "Channel", "superpower": "Superpower", "organization": "Organization",
    "membership": "Member", "invitation": "Invitation", "user": "Account", "webhook": "Webhook", "notice": "Notice",
    "trail": "Trail",
}  # fmt: skip
STATES: dict[str, str] = dict([*Status.choices, *ChannelState.choices])


@dataclass(frozen=True)
class AuditRow:
    """An event for reading. `name` is what people call the thing, empty when it is gone; `url` leads to its page."""

    event: AuditEvent
    who: str
    kind: str
    deed: str
    thing: str
    name: str
    url: str
    before: str
    after: str


def entries(events: Sequence[AuditEvent]) -> list[AuditRow]:
    """Return the events in words. One query for each kind of thing that they speak of, however many they are."""
    ids: dict[str, set[str]] = defaultdict(set)
    for event in events:
        kind, _, pk = event.subject.partition(":")
        ids[kind].add(pk)
    within = {event.organization_id for event in events}
    labels = {kind: object_labels(kind, within, pks) for kind, pks in ids.items()}
    return [_entry(event, labels) for event in events]


def _entry(event: AuditEvent, labels: dict[str, dict[str, str]]) -> AuditRow:
    kind, _, pk = event.subject.partition(":")
    name = labels.get(kind, {}).get(pk, "")
    worker = event.actor_kind == ActorKind.WORKER
    moved = event.state_to and event.state_to != event.state_from
    return AuditRow(
        event=event,
        who="Dynamo" if worker else event.actor_name,
        kind="" if event.actor_kind == ActorKind.PERSON else event.get_actor_kind_display(),
        deed=SAID.get(event.verb, re.sub(r"[._]", " ", event.verb)),
        thing=THINGS.get(kind, kind.capitalize()),
        name=name,
        url=_url(kind, pk) if name else "",
        before=_state(event.state_from) if moved else "",
        after=_state(event.state_to) if moved else "",
    )


def _state(value: str) -> str:
    return STATES.get(value, value.replace("_", " ").capitalize())


def _url(kind: str, pk: str) -> str:
    pages = {"post": "scheduling_scheduledpost_review", "key": "accounts_apikey_change"}
    return reverse(f"admin:{pages[kind]}", args=[pk]) if kind in pages else ""
