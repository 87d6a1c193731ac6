"""Connected Pages and accounts: connecting them, and what stops or resumes publishing through one."""

import string

from django.db import transaction

from accounts import clock, encryption
from accounts.domain import audit_log
from accounts.domain.actors import Actor
from accounts.encryption import InvalidToken
from accounts.exceptions import Conflict, Invalid
from accounts.models import Organization
from posts.graph.account import Account
from posts.graph.errors import AuthFailed, Transient
from posts.models import Channel, ChannelState, ChannelSync, ChannelType

PLATFORM_ID_DIGITS = 32


def connect(
    actor: Actor,
    *,
    organization: Organization,
    type: str,  # noqa: A002  the contract's word
    platform_id: str,
    name: str,
    token: str,
) -> Channel:
    """Connect a channel, or connect it anew with a fresh token and name; return it, CONNECTED.

    Raises Invalid for an unknown type, an id that is not the platform's digits, a blank name, or a token that could
    not be sent in a header. The token is encrypted here and never appears in an error.
    """
    _check(type, platform_id, name, token)
    with transaction.atomic():
        before = Channel.objects.filter(organization=organization, public_id=f"{type}_{platform_id}").first()
        channel, _ = Channel.objects.update_or_create(
            organization=organization,
            public_id=f"{type}_{platform_id}",
            defaults={
                "type": type,
                "platform_id": platform_id,
                "name": name.strip(),
                "token_encrypted": encryption.encrypt(token),
                "state": ChannelState.CONNECTED,
                "state_reason": "",
                "connected_at": clock.now(),
            },
        )
        ChannelSync.objects.filter(channel=channel).update(next_at=clock.now())
        _note(actor, "connect", channel, str(before.state) if before else "")
    return channel


def disconnect(actor: Actor, channel: Channel) -> None:
    """Stop publishing through the channel and leave it out of lists. What is live stays readable.

    The token is kept, encrypted: an attempt in flight must still be read back.
    """
    others: list[ChannelState] = [state for state in ChannelState if state != ChannelState.DISCONNECTED]
    _move(actor, "disconnect", channel, others, ChannelState.DISCONNECTED, "")


def mark_needs_reconnect(actor: Actor, channel: Channel, *, reason: str) -> None:
    """Note that the platform no longer takes the channel's token; nothing goes out until a person connects it again."""
    held = [ChannelState.CONNECTED, ChannelState.BLOCKED]
    _move(actor, "needs_reconnect", channel, held, ChannelState.NEEDS_RECONNECT, reason)


def block(actor: Actor, channel: Channel, *, reason: str) -> None:
    """Note that the platform blocked the channel for its conduct; nothing goes out until a person resumes it."""
    _move(actor, "block", channel, [ChannelState.CONNECTED], ChannelState.BLOCKED, reason)


def resume(actor: Actor, channel: Channel) -> None:
    """Publish through a blocked channel again. Raises Conflict when it is not blocked."""
    if not _move(actor, "resume", channel, [ChannelState.BLOCKED], ChannelState.CONNECTED, ""):
        raise Conflict(f"{channel.name} is not blocked")


def _check(kind: str, platform_id: str, name: str, token: str) -> None:
    if kind not in ChannelType.values:
        raise Invalid("A channel is a Facebook Page or an Instagram account")
    if not platform_id or len(platform_id) > PLATFORM_ID_DIGITS or set(platform_id) - set(string.digits):
        raise Invalid("The platform's id of a channel is digits only")
    if not name.strip() or len(name.strip()) > 200:
        raise Invalid("A channel needs a name of up to 200 characters")
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise Invalid("The access token is empty or has characters that no token has")


def _move(
    actor: Actor, verb: str, channel: Channel, held: list[ChannelState], state: ChannelState, reason: str
) -> bool:
    """Compare and set; return whether the row was there to be moved. The trail hears of what happened only."""
    reason = reason[:300]
    with transaction.atomic():
        row = Channel.objects.select_for_update().filter(pk=channel.pk).first()
        before = str(row.state) if row else ""
        changed = Channel.objects.filter(pk=channel.pk, state__in=held).update(state=state, state_reason=reason)
        if changed:
            channel.state, channel.state_reason = state, reason
            _note(actor, verb, channel, before)
    return bool(changed)


def _note(actor: Actor, verb: str, channel: Channel, before: str) -> None:
    audit_log.record(
        actor,
        f"channel.{verb}",
        organization_id=channel.organization_id,
        subject=f"channel:{channel.pk}",
        step=(before, str(channel.state)),
        channel=channel.public_id,
        reason=channel.state_reason,
    )


def graph_account(channel: Channel) -> Account:
    """Return the account with its token, for reading what is live.

    Raises AuthFailed for a channel that a person has disconnected: its token is kept to settle what was under way,
    not to read on. Raises Transient when the token cannot be decrypted.
    """
    if channel.state == ChannelState.DISCONNECTED:
        raise AuthFailed(f"{channel.name} is disconnected; it can be read again once a person connects it")
    try:
        return Account(channel.type, channel.platform_id, channel.token)
    except InvalidToken:
        pass
    raise Transient(f"The token of {channel.name} cannot be decrypted: an encryption key is missing")
