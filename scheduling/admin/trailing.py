"""The trail in words: who did what to which thing, for a page of events at once."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse

from accounts.models import ActorKind, AuditEvent
from posts.models import ChannelState
from scheduling.admin import naming
from scheduling.admin.telling import DEEDS
from scheduling.lifecycle import Status

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
class Entry:
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


def entries(events: Sequence[AuditEvent]) -> list[Entry]:
    """Return the events in words. One query for each kind of thing that they speak of, however many they are."""
    ids: dict[str, set[str]] = defaultdict(set)
    for one in events:
        kind, _, pk = one.subject.partition(":")
        ids[kind].add(pk)
    within = {one.organization_id for one in events}
    names = {kind: naming.names(kind, within, pks) for kind, pks in ids.items()}
    return [_entry(one, names) for one in events]


def _entry(event: AuditEvent, names: dict[str, dict[str, str]]) -> Entry:
    kind, _, pk = event.subject.partition(":")
    name = names.get(kind, {}).get(pk, "")
    worker = event.actor_kind == ActorKind.WORKER
    moved = event.state_to and event.state_to != event.state_from
    return Entry(
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
