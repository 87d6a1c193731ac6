"""Publishing quota of an Instagram account per rolling day. Read each time: the documentation says 25, 50 and 100."""

from dataclasses import dataclass

from django.conf import settings

from posts.graph import client
from posts.graph.account import Account
from posts.graph.errors import AuthFailed, GraphError, QuotaReached
from posts.graph.parsing import dig, items

CHECK_SECONDS = 5.0  # in all


@dataclass(frozen=True)
class Quota:
    """Posts of the last 24 hours, and their maximum; None where the platform returned no number."""

    used: int | None
    total: int | None


def read(account: Account, *, seconds: float) -> Quota:
    """Read the quota, within `seconds` in all. Raises GraphErrors."""
    path, params = f"{account.platform_id}/content_publishing_limit", {"fields": "config,quota_usage"}
    entry = (items(client.get_with_deadline(account, path, params, seconds=seconds)) or [{}])[0]
    return Quota(_number(entry.get("quota_usage")), _number(dig(entry, "config", "quota_total")))


def check(account: Account) -> None:
    """Raise QuotaReached when no post is left, AuthFailed for a bad token.

    Other errors are ignored: the publish call fails with the same code when the quota is used up.
    """
    try:
        quota = read(account, seconds=settings.GRAPH_CONNECT_TIMEOUT + settings.GRAPH_READ_TIMEOUT)
    except AuthFailed:
        raise
    except GraphError:
        return
    if quota.used is not None and quota.total is not None and 0 < quota.total <= quota.used:
        text = f"The account has used up its posts of the day: {quota.used} of {quota.total}"
        raise QuotaReached(text, code=9, subcode=2207042)


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else None


def check_account(account: Account) -> Quota:
    """Return the account's quota, an empty one for a Page. Raises GraphErrors.

    Success shows that the token is valid; only publishing shows whether it may publish.
    """
    if account.type == "INSTAGRAM_ACCOUNT":
        return read(account, seconds=CHECK_SECONDS)
    client.get_with_deadline(account, account.platform_id, {"fields": "id,name"}, seconds=CHECK_SECONDS)
    return Quota(None, None)
