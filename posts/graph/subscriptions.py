"""Subscriptions to webhooks: those of the app in the App Dashboard, and those of an account (graph-api, section 10)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from posts.graph import client, login
from posts.graph.account import Account
from posts.graph.errors import Transient
from posts.graph.parsing import items, text

FIELDS = {"FB_PAGE": "feed", "INSTAGRAM_ACCOUNT": "comments"}
OBJECTS = {"FB_PAGE": "page", "INSTAGRAM_ACCOUNT": "instagram"}


@dataclass(frozen=True)
class AppSubscription:
    """Where the platform sends the changes of one kind of object, and of which fields."""

    callback_url: str
    is_active: bool
    fields: frozenset[str]


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


def app_subscriptions() -> dict[str, AppSubscription]:
    """Return the app's subscriptions by object: "page", "instagram". Raises GraphErrors.

    Source: Meta's reference of /{app-id}/subscriptions, which needs the app's token.
    """
    app = login.app_account()
    response = client.get(app, f"{app.platform_id}/subscriptions", seconds=login.CALL_SECONDS)
    return {str(item.get("object")): parse_app_subscription(item) for item in items(response)}


def parse_app_subscription(item: Mapping[str, Any]) -> AppSubscription:
    """Read an entry, whatever is in it. Fields are recorded as {"name", "version"}, and as texts."""
    fields = item.get("fields")
    entries = fields if isinstance(fields, list) else []
    names = [entry.get("name") if isinstance(entry, dict) else entry for entry in entries]
    return AppSubscription(
        callback_url=text(item.get("callback_url")) or "",
        is_active=item.get("active") is True,
        fields=frozenset(name for name in names if isinstance(name, str)),
    )
