"""Connects, disconnects, blocks and resumes channels, finds those of an actor, and returns the account of one."""

import string
from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from accounts import clock, encryption
from accounts.domain import audit_log
from accounts.domain.actors import Actor
from accounts.encryption import InvalidToken
from accounts.exceptions import Conflict, Invalid
from accounts.models import ApiKey, Organization
from posts.domain import enqueue
from posts.graph.account import Account
from posts.graph.errors import AuthFailed, Transient
from posts.models import Channel, ChannelState, ChannelSync, ChannelType

PLATFORM_ID_DIGITS = 32
MAX_PARAMETERS = 64


def visible_channels(organization_id: UUID, key: ApiKey | None) -> QuerySet[Channel]:
    """Return the organization's channels, or with a key those that the key may use."""
    channels = Channel.objects.filter(organization=organization_id)
    return channels if key is None or key.channels is None else channels.filter(public_id__in=key.channels)


def connected_channels(organization_id: UUID, key: ApiKey | None, named: Collection[str]) -> list[Channel]:
    """Return the visible channels with the public ids `named` that are not disconnected, possibly with others."""
    channels = visible_channels(organization_id, key).exclude(state=ChannelState.DISCONNECTED)
    # A client may name more channels than a statement can have parameters; an organization has few.
    return list(channels.filter(public_id__in=named) if len(named) <= MAX_PARAMETERS else channels)


def connect(
    actor: Actor,
    *,
    organization: Organization,
    type: str,  # noqa: A002  the contract's word
    platform_id: str,
    name: str,
    token: str,
    meta_user: str | None = None,
    **details: Any,
) -> Channel:
    """Connect a channel, or connect it again with a new token and name; return it, CONNECTED. Records the audit event.

    `meta_user` is the id of the Facebook user whose login gave the token, which Meta's callbacks name. Raises Invalid
    for an unknown type, an id with other characters than digits, a blank name, or a token that cannot be sent in a
    header. The token is encrypted here and never appears in an error. The caller has verified it: see
    channel_tokens.py. `details` go into the audit event.
    """
    _validate(type, platform_id, name, token)
    identity: dict[str, Any] = {"organization": organization, "public_id": f"{type}_{platform_id}"}
    with transaction.atomic():
        before = Channel.objects.filter(**identity).first()
        channel, _ = Channel.objects.update_or_create(
            **identity,
            defaults={
                "type": type,
                "platform_id": platform_id,
                "name": name.strip(),
                "token_encrypted": encryption.encrypt(token),
                "state": ChannelState.CONNECTED,
                "state_reason": "",
                "connected_at": clock.now(),
                "connected_by_meta_user": meta_user,
            },
        )
        transaction.on_commit(lambda: enqueue.send_task("posts.subscribe_channel", channel.pk))
        ChannelSync.objects.filter(channel=channel).update(next_at=clock.now())
        _record_event(actor, "connect", channel, str(before.state) if before else "", **details)
    return channel


def disconnect(actor: Actor, channel: Channel) -> None:
    """Stop publishing on the channel and remove it from lists. Its published posts stay readable.

    The encrypted token is kept, because attempts with an unknown outcome must still be looked up.
    """
    others: list[ChannelState] = [state for state in ChannelState if state != ChannelState.DISCONNECTED]
    _change_state(actor, "disconnect", channel, others, ChannelState.DISCONNECTED, "")


def deauthorize(actor: Actor, channel: Channel, *, reason: str) -> None:
    """Disconnect the channel because the user who connected it withdrew the access. People are notified of it."""
    others: list[ChannelState] = [state for state in ChannelState if state != ChannelState.DISCONNECTED]
    _change_state(actor, "deauthorize", channel, others, ChannelState.DISCONNECTED, reason)


def delete_token(actor: Actor, channel: Channel) -> None:
    """Delete the token of a disconnected channel and the id of the Facebook user who gave it."""
    with transaction.atomic():
        Channel.objects.filter(pk=channel.pk).update(token_encrypted="", connected_by_meta_user=None)
        _record_event(actor, "delete_token", channel, str(channel.state))
    channel.token_encrypted, channel.connected_by_meta_user = "", None


def mark_needs_reconnect(actor: Actor, channel: Channel, *, reason: str) -> None:
    """The platform rejected the channel's token: stop publishing until a person connects the channel again."""
    before = [ChannelState.CONNECTED, ChannelState.BLOCKED]
    _change_state(actor, "needs_reconnect", channel, before, ChannelState.NEEDS_RECONNECT, reason)


def block(actor: Actor, channel: Channel, *, reason: str) -> None:
    """The platform blocked the channel by its policy: stop publishing until a person resumes it."""
    _change_state(actor, "block", channel, [ChannelState.CONNECTED], ChannelState.BLOCKED, reason)


def resume(actor: Actor, channel: Channel) -> None:
    """Allow publishing on a blocked channel again. Raises Conflict when it is not blocked."""
    if not _change_state(actor, "resume", channel, [ChannelState.BLOCKED], ChannelState.CONNECTED, ""):
        raise Conflict(f"{channel.name} is not blocked")


def _validate(kind: str, platform_id: str, name: str, token: str) -> None:
    if kind not in ChannelType.values:
        raise Invalid("A channel is a Facebook Page or an Instagram account")
    if not platform_id or len(platform_id) > PLATFORM_ID_DIGITS or set(platform_id) - set(string.digits):
        raise Invalid("The platform's id of a channel is digits only")
    if not name.strip() or len(name.strip()) > 200:
        raise Invalid("A channel needs a name of up to 200 characters")
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise Invalid("The access token is empty or contains invalid characters")


def _change_state(
    actor: Actor, verb: str, channel: Channel, allowed: list[ChannelState], state: ChannelState, reason: str
) -> bool:
    """Set the state if the present one is in `allowed`; return whether it was. Only a change is recorded."""
    reason = reason[:300]
    with transaction.atomic():
        row = Channel.objects.select_for_update().filter(pk=channel.pk).first()
        before = str(row.state) if row else ""
        changed = Channel.objects.filter(pk=channel.pk, state__in=allowed).update(state=state, state_reason=reason)
        if changed:
            channel.state, channel.state_reason = state, reason
            _record_event(actor, verb, channel, before)
    return bool(changed)


def _record_event(actor: Actor, verb: str, channel: Channel, before: str, **details: Any) -> None:
    audit_log.record(
        actor,
        f"channel.{verb}",
        organization_id=channel.organization_id,
        subject=f"channel:{channel.pk}",
        step=(before, str(channel.state)),
        channel=channel.public_id,
        reason=channel.state_reason,
        **details,
    )


def graph_account(channel: Channel) -> Account:
    """Return the account with its token, for reading published posts.

    Raises AuthFailed for a disconnected channel: its token is kept for looking up open attempts only. Raises Transient
    when the token cannot be decrypted.
    """
    if channel.state == ChannelState.DISCONNECTED:
        raise AuthFailed(f"{channel.name} is disconnected; it can be read again once a person connects it")
    try:
        return Account(channel.type, channel.platform_id, channel.token)
    except InvalidToken:
        raise Transient(f"The token of {channel.name} cannot be decrypted: an encryption key is missing") from None
