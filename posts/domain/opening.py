"""From a channel to the platform's account behind it."""

from accounts.crypto import InvalidToken
from posts.graph.account import Account
from posts.graph.errors import AuthFailed, Transient
from posts.models import Channel, ChannelState


def open_account(channel: Channel) -> Account:
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
