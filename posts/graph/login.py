"""Facebook Login and access tokens: the dialog's address, the exchange of its code, what a token is and reaches.

Source: Meta's "Manually Build a Login Flow", "Access Token Guide" and "Debug Token".
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.views.decorators.debug import sensitive_variables

from posts.graph import client, parsing
from posts.graph.account import Account
from posts.graph.errors import InvalidRequest, Transient

CALL_SECONDS = 15.0  # a person waits for each of these calls
PAGES_PER_CALL = 100
MAX_CALLS = 20  # Pages of a person are read up to 2,000
PAGE_FIELDS = "id,name,username,access_token,tasks"
INSTAGRAM_FIELDS = "instagram_business_account{id,username,name}"
CODE_EXPIRED, WRONG_ADDRESS, CODE_USED = (100, 36007), (100, 36008), (100, 36009)


@dataclass(frozen=True)
class TokenInfo:
    """The platform's description of a token.

    `kind` is PAGE, USER, SYSTEM_USER or another of its words. `profile_id`: the Page of a PAGE token. An expiry of None
    is never, or not known. `targets`: the ids that a permission is limited to, by permission.
    """

    kind: str
    app_id: str
    is_valid: bool
    has_expired: bool
    user_id: str
    profile_id: str
    expires_at: datetime | None
    data_access_expires_at: datetime | None
    permissions: frozenset[str]
    targets: Mapping[str, frozenset[str]]

    def allows(self, permission: str, *ids: str) -> bool:
        """Whether the permission is granted, for one of these ids where it is limited to some."""
        targets = self.targets.get(permission)
        return permission in self.permissions and (not targets or bool(targets & set(ids)))


@dataclass(frozen=True)
class LinkedAccount:
    """The Instagram account that is linked to a Page."""

    id: str
    username: str
    name: str


@dataclass(frozen=True)
class PageAccount:
    """A Page as one of its people sees it. `tasks` are what the person may do there; None: not known."""

    id: str
    name: str
    username: str = ""
    token: str = field(default="", repr=False)
    tasks: tuple[str, ...] | None = None
    instagram: LinkedAccount | None = None


def dialog_url(*, redirect_uri: str, state: str, permissions: list[str], rerequest: bool = False) -> str:
    """Return the address of the login dialog. `rerequest` asks again for what was declined."""
    query = {
        "client_id": settings.GRAPH_APP_ID,
        "redirect_uri": redirect_uri,
        "state": state,
        "response_type": "code",
    }
    if settings.GRAPH_LOGIN_CONFIG_ID:
        query["config_id"] = settings.GRAPH_LOGIN_CONFIG_ID
    else:
        query["scope"] = ",".join(permissions)
    if rerequest:
        query["auth_type"] = "rerequest"
    return f"{settings.GRAPH_DIALOG_URL.rstrip('/')}/{settings.GRAPH_VERSION}/dialog/oauth?{urlencode(query)}"


def exchange_code(code: str, redirect_uri: str) -> str:
    """Return the token of the person. Raises InvalidRequest with CODE_EXPIRED, WRONG_ADDRESS or CODE_USED."""
    return _access_token(redirect_uri=redirect_uri, code=code)


def exchange_for_long_lived(token: str) -> str:
    """Return a token of the same person that lives about 60 days."""
    return _access_token(grant_type="fb_exchange_token", fb_exchange_token=token)


@sensitive_variables("token")
def debug_token(token: str) -> TokenInfo:
    """Return what a token is. An invalid or expired one is an answer, not an error."""
    data = client.get(app_account(), "debug_token", seconds=CALL_SECONDS, input_token=token).get("data")
    if not isinstance(data, dict):
        raise Transient("The platform's answer about the token cannot be read")
    return parse_token_info(data)


def app_account() -> Account:
    """Return the Meta app with its own token, which is made of id and secret."""
    return Account("APP", settings.GRAPH_APP_ID, f"{settings.GRAPH_APP_ID}|{settings.GRAPH_APP_SECRET}")


def parse_token_info(data: Mapping[str, Any]) -> TokenInfo:
    """Read the object `data` of debug_token, whatever is in it."""
    granular = data.get("granular_scopes")
    targets = {
        str(entry.get("scope")): frozenset(map(str, ids))
        for entry in (granular if isinstance(granular, list) else [])
        if isinstance(entry, dict) and isinstance(ids := entry.get("target_ids"), list)
    }
    scopes, user_id = data.get("scopes"), parsing.parse_id(data.get("user_id"))
    return TokenInfo(
        kind=str(data.get("type", "")),
        app_id=str(data.get("app_id", "")),
        is_valid=data.get("is_valid") is True,
        has_expired=parsing.dig(data, "error", "subcode") == 463,
        user_id="" if user_id == "0" else user_id,  # 0: no person has granted it
        profile_id=parsing.parse_id(data.get("profile_id")),
        expires_at=_unix_time(data.get("expires_at")),
        data_access_expires_at=_unix_time(data.get("data_access_expires_at")),
        permissions=frozenset(map(str, scopes)) if isinstance(scopes, list) else frozenset(),
        targets=targets,
    )


def read_permissions(token: str) -> dict[str, str]:
    """Return the status of each permission that the person was asked for: granted, declined or expired."""
    answer = client.get(_person(token), "me/permissions", seconds=CALL_SECONDS)
    return {str(row.get("permission")): str(row.get("status")) for row in parsing.items(answer)}


def read_pages(token: str, *, instagram: bool) -> Iterator[PageAccount]:
    """Yield the Pages that a person's token reaches; `instagram` with the linked accounts, for which it needs a right.

    Raises Transient when the platform does not say where the list continues.
    """
    fields = f"{PAGE_FIELDS},{INSTAGRAM_FIELDS}" if instagram else PAGE_FIELDS
    params: dict[str, Any] = {"fields": fields, "limit": str(PAGES_PER_CALL)}
    for _ in range(MAX_CALLS):
        answer = client.get(_person(token), "me/accounts", seconds=CALL_SECONDS, **params)
        for row in parsing.items(answer):
            if page := parse_page(row):
                yield page
        if not parsing.dig(answer, "paging", "next"):
            return
        after = parsing.dig(answer, "paging", "cursors", "after")
        if not isinstance(after, str) or after == params.get("after"):
            raise Transient("The platform does not say where the list of Pages continues")
        params["after"] = after


def read_page(token: str, page_id: str, *, instagram: bool) -> PageAccount:
    """Return the Page of a PAGE token, with the token."""
    fields = f"id,name,username,{INSTAGRAM_FIELDS}" if instagram else "id,name,username"
    row = client.get(Account("FB_PAGE", page_id, token), page_id, seconds=CALL_SECONDS, fields=fields)
    page = parse_page({**row, "access_token": token})
    if page is None or page.id != page_id:
        raise InvalidRequest("The platform answered for another Page")
    return page


def parse_page(row: Mapping[str, Any]) -> PageAccount | None:
    """Read a Page, whatever is in the row; None without an id."""
    page_id, token, tasks = parsing.parse_id(row.get("id")), row.get("access_token"), row.get("tasks")
    if not page_id:
        return None
    linked = row.get("instagram_business_account")
    instagram = None
    if isinstance(linked, dict) and (linked_id := parsing.parse_id(linked.get("id"))):
        instagram = LinkedAccount(linked_id, _text(linked.get("username")), _text(linked.get("name")))
    return PageAccount(
        id=page_id,
        name=_text(row.get("name")) or page_id,
        username=_text(row.get("username")),
        token=token if isinstance(token, str) else "",
        tasks=tuple(map(str, tasks)) if isinstance(tasks, list) else None,
        instagram=instagram,
    )


@sensitive_variables("app", "token")
def _access_token(**params: str) -> str:
    app = {"client_id": settings.GRAPH_APP_ID, "client_secret": settings.GRAPH_APP_SECRET}
    token = client.get_without_token("oauth/access_token", **app, **params).get("access_token")
    if not isinstance(token, str) or not token.isascii() or not token.isprintable() or " " in token:
        raise Transient("The platform's answer has no access token")
    return token


def _person(token: str) -> Account:
    """Return the account by which calls of this person are counted."""
    return Account("USER", hashlib.sha256(token.encode()).hexdigest()[:16], token)


def _text(value: Any) -> str:
    return (parsing.text(value) or "")[:200].strip()


def _unix_time(value: Any) -> datetime | None:
    """Parse Unix seconds; 0 means never."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 32_503_680_000:
        return None
    return datetime.fromtimestamp(value, UTC)
