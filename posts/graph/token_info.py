"""Asks the platform about an access token: its kind, permissions and expiry (graph-api, section 10: debug_token)."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from posts.graph import client
from posts.graph.account import Account
from posts.graph.errors import Transient
from posts.graph.parsing import dig

SECONDS = 5.0
LATEST = 253402300799  # 9999-12-31: a later time is taken for none
# Without these nothing is published; without the others comments or counts cannot be read.
PERMISSIONS: dict[str, tuple[str, ...]] = {
    "FB_PAGE": ("pages_manage_posts", "pages_read_engagement", "pages_read_user_content", "read_insights"),
    "INSTAGRAM_ACCOUNT": (
        "instagram_basic", "instagram_content_publish", "instagram_manage_comments", "instagram_manage_insights",
        "pages_read_engagement",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class TokenInfo:
    """`expires_at` and `data_access_expires_at` are None for never. `permissions` are the granted ones."""

    is_valid: bool
    kind: str
    app_id: str
    user_id: str
    profile_id: str
    expires_at: datetime | None
    data_access_expires_at: datetime | None
    permissions: frozenset[str]

    def missing(self, account_type: str) -> list[str]:
        """Return the permissions that the channel type needs and the token lacks."""
        return [name for name in PERMISSIONS[account_type] if name not in self.permissions]


def is_configured() -> bool:
    """Whether the app can be identified: only then does the platform answer."""
    return bool(settings.GRAPH_APP_ID and settings.GRAPH_APP_SECRET)


def app_account() -> Account:
    """Return the app itself, whose access token is made of its id and secret."""
    return Account("APP", settings.GRAPH_APP_ID, f"{settings.GRAPH_APP_ID}|{settings.GRAPH_APP_SECRET}")


def debug_token(token: str) -> TokenInfo:
    """Return what the platform knows of the token. Raises GraphErrors; the token appears in none of them."""
    data = dig(client.get(app_account(), "debug_token", seconds=SECONDS, input_token=token), "data")
    if not isinstance(data, dict):
        raise Transient("The platform did not describe the access token")
    scopes = data.get("scopes") if isinstance(data.get("scopes"), list) else []
    return TokenInfo(
        is_valid=data.get("is_valid") is True,
        kind=_text(data.get("type")),
        app_id=_text(data.get("app_id")),
        user_id=_text(data.get("user_id")),
        profile_id=_text(data.get("profile_id")),
        expires_at=_time(data.get("expires_at")),
        data_access_expires_at=_time(data.get("data_access_expires_at")),
        permissions=frozenset(scope for scope in scopes if isinstance(scope, str))
        if isinstance(scopes, list)
        else frozenset(),
    )


def _text(value: Any) -> str:
    return str(value)[:100] if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _time(seconds: Any) -> datetime | None:
    """Return the time of Unix seconds; None for 0, which means never, and for anything else."""
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 < seconds <= LATEST:
        return None
    return datetime.fromtimestamp(seconds, UTC)
