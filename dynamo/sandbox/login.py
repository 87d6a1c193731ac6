"""Facebook Login behind the dialog: codes, tokens of people and of Pages, debug_token, and what a person's token reads.

Sources: Meta's "Manually Build a Login Flow", "Access Tokens" and "Debug Token"; recorded answers of debug_token; field
reports for the subcodes of a refused code.
"""

import hmac
import secrets
from typing import Any

from dynamo.sandbox import errors
from dynamo.sandbox.auth import find_owner, token_of
from dynamo.sandbox.errors import Refusal
from dynamo.sandbox.field_parser import Field, keep, parse
from dynamo.sandbox.http import Request, decode_cursor, encode_cursor
from dynamo.sandbox.models import Account, Person, Token
from dynamo.sandbox.state import SandboxContext, now

KINDS = ("USER", "PAGE", "SYSTEM_USER")
DAY = 86_400
PERMISSIONS = {
    "ads_management", "ads_read", "business_management", "instagram_basic", "instagram_content_publish",
    "instagram_manage_comments", "instagram_manage_insights", "pages_manage_engagement", "pages_manage_metadata",
    "pages_manage_posts", "pages_read_engagement", "pages_read_user_content", "pages_show_list", "public_profile",
    "read_insights",
}  # fmt: skip
ACCOUNT_FIELDS = "access_token,category,name,tasks"
PAGE_FIELDS = {"access_token", "category", "id", "instagram_business_account", "name", "username"}


def issue(
    context: SandboxContext,
    person: Person,
    kind: str,
    *,
    account: str = "",
    expires_in: float = 0,
    data_access_expires_in: float = 0,
) -> Token:
    """Issue and store a token; 0 seconds is never."""
    at = now()
    ends = (at + expires_in if expires_in else 0, at + data_access_expires_in if data_access_expires_in else 0)
    return context.state.put(Token(f"EAA{secrets.token_hex(40)}", person.id, kind, at, *ends, account))


def is_app_token(context: SandboxContext, token: str) -> bool:
    settings = context.settings
    app_token = f"{settings.app_id}|{settings.app_secret}"
    return bool(settings.app_id) and hmac.compare_digest(token.encode(), app_token.encode())


def require_app_token(context: SandboxContext, request: Request) -> None:
    """Raise 104 without a token, 15 for one of a person, a Page or another app."""
    if not token_of(request):
        raise Refusal(104, "An access token is required to request this resource.")
    if not is_app_token(context, token_of(request)):
        raise Refusal(15, "(#15) This method must be called with an app access_token.")


def access_token(context: SandboxContext, request: Request) -> dict[str, Any]:
    """GET /oauth/access_token: for a code, for a short-lived token of a person, or for the app itself."""
    _check_app(context, request)
    grant = request.params.text("grant_type")
    if grant == "client_credentials":
        return {
            "access_token": f"{context.settings.app_id}|{context.settings.app_secret}",
            "token_type": "bearer",
        }
    with context.state.lock:
        if grant == "fb_exchange_token":
            return _long_token(context, request.params.text("fb_exchange_token"))
        if grant not in {"", "authorization_code"}:
            raise errors.invalid("Invalid grant_type")
        return _token_of_code(context, request)


def _check_app(context: SandboxContext, request: Request) -> None:
    app_id, secret = context.settings.app_id, context.settings.app_secret
    if not app_id or request.params.text("client_id") != app_id:
        raise Refusal(101, "Error validating application. Cannot get application info due to a system error.")
    if not hmac.compare_digest(request.params.text("client_secret").encode(), secret.encode()):
        raise Refusal(1, "Error validating client secret.")


def _token_of_code(context: SandboxContext, request: Request) -> dict[str, Any]:
    code = context.state.codes.get(request.params.text("code"))
    if code is None:
        raise Refusal(100, "Invalid verification code format.")
    if code.used:
        raise Refusal(100, "This authorization code has been used.", subcode=36009)
    if code.expires_at <= now():
        raise Refusal(100, "This authorization code has expired.", subcode=36007)
    if request.params.text("redirect_uri") != code.redirect_uri:
        text = "Error validating verification code. Please make sure your redirect_uri is identical to the one you "
        raise Refusal(100, f"{text}used in the OAuth dialog request", subcode=36008)
    code.used = True
    person, config = _person(context, code.person), context.settings.login_configs.get(code.config, {})
    if config.get("token") == "SYSTEM_USER":
        return _system_user_answer(context, person, float(config.get("expires_in", 0)))
    return _answer(context, person, context.settings.short_token_seconds)


def _system_user_answer(context: SandboxContext, person: Person, seconds: float) -> dict[str, Any]:
    """Return a business integration system user's token, which reaches what the person shared; 0 seconds is never."""
    token = issue(context, person, "SYSTEM_USER", expires_in=seconds)
    return {"access_token": token.id, "token_type": "bearer"} | ({"expires_in": int(seconds)} if seconds else {})


def _long_token(context: SandboxContext, given: str) -> dict[str, Any]:
    token = find_owner(context.state, given)
    if not isinstance(token, Token) or token.kind != "USER":
        raise Refusal(190, "Invalid OAuth access token - Cannot parse access token")
    if token.has_expired(now()):
        raise errors.expired_token()
    return _answer(context, _person(context, token.person), context.settings.long_token_seconds)


def _answer(context: SandboxContext, person: Person, seconds: float) -> dict[str, Any]:
    data_access = context.settings.data_access_seconds
    token = issue(context, person, "USER", expires_in=seconds, data_access_expires_in=data_access)
    return {"access_token": token.id, "token_type": "bearer", "expires_in": int(seconds)}


def _person(context: SandboxContext, person_id: str) -> Person:
    person = context.state.find(person_id)
    if not isinstance(person, Person):
        raise Refusal(190, "Invalid OAuth access token - Cannot parse access token")
    return person


def debug_token(context: SandboxContext, request: Request) -> dict[str, Any]:
    """GET /debug_token, with the app's own token only."""
    if not token_of(request):
        raise Refusal(104, "An access token is required to request this resource.")
    if not is_app_token(context, token_of(request)):
        raise Refusal(190, "Invalid OAuth access token - Cannot parse access token")
    given = request.params.text("input_token")
    if not given:
        raise Refusal(100, "(#100) The parameter input_token is required")
    if is_app_token(context, given):
        facts = {"app_id": context.settings.app_id, "type": "APP", "application": "Dynamo"}
        return {"data": facts | {"is_valid": True, "scopes": []}}
    with context.state.lock:
        token, owner = context.state.find(given), find_owner(context.state, given)
        if owner is None:
            error = {"code": 190, "message": "Invalid OAuth access token - Cannot parse access token"}
            return {"data": {"error": error, "is_valid": False, "scopes": []}}
        return {"data": _token_facts(context, token if isinstance(token, Token) else None, owner)}


def _token_facts(context: SandboxContext, token: Token | None, owner: Account | Token) -> dict[str, Any]:
    """Describe a token. An account's own token, which no person has granted, never expires."""
    scopes = owner.scopes if isinstance(owner, Account) else _person(context, owner.person).granted
    scopes = sorted(PERMISSIONS if scopes is None else scopes)
    chosen = _person(context, token.person).chosen if token else [owner.id]
    expired = owner.expired if isinstance(owner, Account) else owner.has_expired(now())
    facts: dict[str, Any] = {
        "app_id": context.settings.app_id,
        "type": token.kind if token else "PAGE",
        "application": "Dynamo",
        "data_access_expires_at": int(token.data_access_expires_at) if token else 0,
        "expires_at": int(token.expires_at) if token else 0,
        "is_valid": not expired,
        "issued_at": int(token.issued_at) if token else 0,
        "scopes": scopes,
        "granular_scopes": [
            {"scope": scope, "target_ids": _targets(context, scope, chosen)}
            if _is_granular(scope)
            else {"scope": scope}
            for scope in scopes
        ],
        "user_id": token.person if token else "0",
    }
    if isinstance(owner, Account):
        facts["profile_id"] = owner.page or owner.id
    if expired:
        refusal = errors.expired_token()
        facts["error"] = {"code": refusal.code, "message": refusal.message, "subcode": refusal.subcode}
    return facts


def _is_granular(scope: str) -> bool:
    return scope.startswith(("pages_", "instagram_"))


def _targets(context: SandboxContext, scope: str, chosen: list[str]) -> list[str]:
    if not scope.startswith("instagram_"):
        return chosen
    return [linked.id for page in chosen if (linked := context.state.linked(page)) is not None]


ROUTES = {"/oauth/access_token": access_token, "/debug_token": debug_token}


def read_as_person(context: SandboxContext, request: Request, token: Token, segments: list[str]) -> Any:
    """Answer a call with a person's token: who it is, the permissions, the Pages; nothing that is a Page's to do."""
    with context.state.lock:
        person = _person(context, token.person)
        mine = segments[0] in {"me", person.id}
        if request.method == "GET" and mine and segments[1:] == ["permissions"]:
            if token.kind == "SYSTEM_USER":  # no source shows an answer for one
                raise errors.unknown_field("permissions", "SystemUser")
            return {"data": [{"permission": name, "status": status} for name, status in person.permissions.items()]}
        if request.method == "GET" and mine and segments[1:] == ["accounts"]:
            return _accounts(context, request, token, person)
        if request.method == "GET" and mine and not segments[1:]:
            wanted = parse(request.params.text("fields") or "name")
            return _select({"name": person.name, "id": person.id}, wanted, {"id", "name"}, "User")
        page = context.state.find(segments[0])
        if not isinstance(page, Account) or page.id not in _visible_pages(person):
            raise errors.missing(request.method, segments[0])
        if request.method != "GET" or segments[1:]:
            raise errors.needs_page_token()
        wanted = parse(request.params.text("fields") or "name")
        return _select(_page_values(context, token, person, page, wanted), wanted, PAGE_FIELDS, "Page")


def _visible_pages(person: Person) -> list[str]:
    return [page for page in person.chosen if page in person.pages] if "pages_show_list" in person.granted else []


def _accounts(context: SandboxContext, request: Request, token: Token, person: Person) -> dict[str, Any]:
    wanted = parse(request.params.text("fields") or ACCOUNT_FIELDS)
    limit, after = request.params.limit(), request.params.text("after")
    pages = _visible_pages(person)
    try:
        first = int(decode_cursor(after)) if after else 0
    except ValueError:
        raise errors.invalid("Invalid cursors values") from None
    shown = pages[first : first + limit]
    data = [
        _select(_page_values(context, token, person, context.state.account(page), wanted), wanted, PAGE_FIELDS, "Page")
        for page in shown
    ]
    if not data:
        return {"data": []}
    end = first + len(shown)
    paging: dict[str, Any] = {"cursors": {"before": encode_cursor(str(first)), "after": encode_cursor(str(end))}}
    if end < len(pages):
        secret = f"&access_token={token.id}" if request.token_from == "query" else ""  # noqa: S105  a place
        url = f"{context.url}/{request.version}/{person.id}/accounts"
        paging["next"] = f"{url}?limit={limit}&after={encode_cursor(str(end))}{secret}"
    return {"data": data, "paging": paging}


def _page_values(
    context: SandboxContext, token: Token, person: Person, page: Account, wanted: list[Field]
) -> dict[str, Any]:
    """Return the Page's fields as the person sees them. `tasks` exist on /me/accounts only."""
    linked = context.state.linked(page.id) if "instagram_basic" in person.granted else None
    inside = next((field.inside for field in wanted if field.name == "instagram_business_account"), None)
    handle = {"id": linked.id, "name": linked.name, "username": linked.username} if linked else None
    if handle and not inside:
        handle = {"id": handle["id"]}
    username = page.username or "".join(letter for letter in page.name.lower() if letter.isalnum())
    return {
        "access_token": _page_token(context, token, person, page),
        "category": "Hotel",
        "name": page.name,
        "username": username,
        "tasks": person.pages[page.id],
        "instagram_business_account": handle,
        "id": page.id,
    }


def _page_token(context: SandboxContext, token: Token, person: Person, page: Account) -> str:
    """Return the Page's token: the same each time; without an expiry when the person's token is a long one.

    That of a system user's token ends with it: no source shows otherwise.
    """
    if page.id not in token.issued:
        is_long = not token.expires_at or (token.kind == "USER" and token.expires_at - token.issued_at > DAY)
        left = 0 if is_long else token.expires_at - now()
        data_access = max(0.0, token.data_access_expires_at - now())
        made = issue(
            context, person, "PAGE", account=page.id, expires_in=left, data_access_expires_in=data_access
        )  # fmt: skip
        token.issued[page.id] = made.id
        context.state.put(token)
    return token.issued[page.id]


def _select(values: dict[str, Any], wanted: list[Field], known: set[str], kind: str) -> dict[str, Any]:
    """Return the wanted fields that have a value, and the id. `tasks` is a field of the edge."""
    result: dict[str, Any] = {}
    for field in wanted:
        if field.name not in known | ({"tasks"} if kind == "Page" else set()):
            raise errors.unknown_field(field.name, kind)
        if (value := keep(values.get(field.name), field)) is not None:
            result[field.name] = value
    return result | {"id": values["id"]}
