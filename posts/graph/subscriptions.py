"""Subscribes the app to the webhooks of an account (graph-api, section 10)."""

from posts.graph import client
from posts.graph.account import Account
from posts.graph.errors import Transient
from posts.graph.parsing import items

FIELDS = {"FB_PAGE": "feed", "INSTAGRAM_ACCOUNT": "comments"}


def subscribe(account: Account) -> None:
    """Subscribe; a second call is harmless. Needs pages_manage_metadata. Raises GraphErrors."""
    response = client.post_unpublished(
        account, f"{account.platform_id}/subscribed_apps", {"subscribed_fields": FIELDS[account.type]}
    )
    if response.get("success") is not True:
        raise Transient("The platform did not confirm the subscription")


def subscribed_fields(account: Account) -> set[str]:
    """Return the fields that the app is subscribed to. Raises GraphErrors."""
    response = client.get(account, f"{account.platform_id}/subscribed_apps")
    fields = [field for item in items(response) for field in item.get("subscribed_fields") or []]
    return {field for field in fields if isinstance(field, str)}
