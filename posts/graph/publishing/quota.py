"""How many posts of the rolling day are left to an Instagram account. Read live: the documents say 25, 50 and 100."""

from posts.graph import client
from posts.graph.account import Account
from posts.graph.errors import AuthFailed, GraphError, QuotaReached


def check(account: Account) -> None:
    """Raise QuotaReached when none is left. What cannot be read is left to the publish call, which says it as well."""
    try:
        said = client.get(account, f"{account.platform_id}/content_publishing_limit", fields="config,quota_usage")
    except AuthFailed:
        raise
    except GraphError:
        return
    data = said.get("data")
    first = data[0] if isinstance(data, list) and data and isinstance(data[0], dict) else {}
    config = first.get("config")
    used, total = first.get("quota_usage"), config.get("quota_total") if isinstance(config, dict) else None
    if isinstance(used, int) and isinstance(total, int) and 0 < total <= used:
        text = f"The account has used up its posts of the day: {used} of {total}"
        raise QuotaReached(text, code=9, subcode=2207042)
