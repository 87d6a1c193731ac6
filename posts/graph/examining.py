"""Asking a channel how it is, by one read that changes nothing."""

from posts.graph import client
from posts.graph.account import Account
from posts.graph.publishers import quota
from posts.graph.publishers.quota import Quota

SECONDS = 5.0  # in all: the worker that asks could be publishing


def examine(account: Account) -> Quota:
    """Return what is left of the account's quota, with nothing in it where there is none. Raises GraphErrors.

    An answer shows that the token is taken; whether it may publish shows only in publishing.
    """
    if account.type == "INSTAGRAM_ACCOUNT":
        return quota.read(account, seconds=SECONDS)
    client.look(account, account.platform_id, {"fields": "id,name"}, seconds=SECONDS)
    return Quota(None, None)
