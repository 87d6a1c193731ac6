"""How many posts of the rolling day are left to an Instagram account. Read live: the documents say 25, 50 and 100."""

from dataclasses import dataclass

from django.conf import settings

from posts.graph import client
from posts.graph.account import Account
from posts.graph.errors import AuthFailed, GraphError, QuotaReached

CHECK_SECONDS = 5.0  # in all: the worker that asks could be publishing


@dataclass(frozen=True)
class Quota:
    """Posts of the last 24 hours, and how many there may be; None for what the platform did not say."""

    used: int | None
    total: int | None


def read(account: Account, *, seconds: float) -> Quota:
    """Ask the platform, within `seconds` in all. Raises GraphErrors."""
    wanted = {"fields": "config,quota_usage"}
    said = client.get_with_deadline(account, f"{account.platform_id}/content_publishing_limit", wanted, seconds=seconds)
    data = said.get("data")
    first = data[0] if isinstance(data, list) and data and isinstance(data[0], dict) else {}
    config = first.get("config")
    return Quota(
        _number(first.get("quota_usage")), _number(config.get("quota_total")) if isinstance(config, dict) else None
    )


def check(account: Account) -> None:
    """Raise QuotaReached when none is left. What cannot be read is left to the publish call, which says it as well."""
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
    """Return what is left of the account's quota, with nothing in it where there is none. Raises GraphErrors.

    An answer shows that the token is taken; whether it may publish shows only in publishing.
    """
    if account.type == "INSTAGRAM_ACCOUNT":
        return read(account, seconds=CHECK_SECONDS)
    client.get_with_deadline(account, account.platform_id, {"fields": "id,name"}, seconds=CHECK_SECONDS)
    return Quota(None, None)
