"""Authentication by access token and appsecret_proof."""

import hashlib
import hmac
from dataclasses import replace

from dynamo.sandbox import errors
from dynamo.sandbox.errors import Refusal
from dynamo.sandbox.http import Request
from dynamo.sandbox.models import Account, Person, Token
from dynamo.sandbox.settings import Settings
from dynamo.sandbox.state import State, now

PROOF_LIFE = 300  # seconds that a proof with appsecret_time is valid


def token_of(request: Request) -> str:
    """Return the access token and set `request.token_from`. The upload host uses the scheme `OAuth`."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if token and scheme.lower() in {"bearer", "oauth"}:
        request.token_from = "header"  # noqa: S105  a place, not a token
        return token.strip()
    token = request.params.text("access_token")
    if token:
        request.token_from = "query" if "access_token" in request.query else "form"
    return token


def find_owner(state: State, token: str) -> Account | Token | None:
    """Return the account that the token opens, or the token itself when it is a person's; None for an unknown one.

    The account of a token that the login issued has the permissions that the person has granted by now.
    """
    with state.lock:
        login = state.find(token)
        if not isinstance(login, Token):
            account_id = state.tokens.get(token)
            return state.account(account_id) if account_id else None
        if login.kind != "PAGE":
            return login
        person, account = state.find(login.person), state.find(login.account)
        if not isinstance(person, Person) or not isinstance(account, Account):
            return None
        return replace(account, token=token, scopes=person.granted, expired=login.has_expired(now()))


def authenticate(request: Request, state: State, settings: Settings, *, of_me: bool = False) -> Account | Token:
    """Return the account that the token opens, or the token itself when it is a person's. Raises Refusal."""
    token = token_of(request)
    if not token and of_me:
        raise Refusal(2500, "An active access token must be used to query information about the current user.")
    if not token:
        raise Refusal(104, "An access token is required to request this resource.")
    owner = find_owner(state, token)
    if owner is None:
        raise Refusal(190, "Invalid OAuth access token - Cannot parse access token")
    _check_proof(request, token, settings)
    if owner.expired if isinstance(owner, Account) else owner.has_expired(now()):
        raise errors.expired_token()
    return owner


def authenticate_account(request: Request, state: State, settings: Settings) -> Account:
    """Return the account that the token opens. Raises Refusal, also for a person's token."""
    owner = authenticate(request, state, settings)
    if isinstance(owner, Token):
        raise errors.needs_page_token()
    return owner


def _check_proof(request: Request, token: str, settings: Settings) -> None:
    if not settings.app_secret:
        return
    given, at = request.params.text("appsecret_proof"), request.params.text("appsecret_time")
    if not given:
        if settings.require_proof:
            text = "API calls from the server require an appsecret_proof argument"
            raise Refusal(100, text, kind="GraphMethodException")
        return
    fresh = not at or (at.isdigit() and abs(now() - int(at)) <= PROOF_LIFE)
    message = f"{token}|{at}" if at else token
    right = hmac.new(settings.app_secret.encode(), message.encode(), hashlib.sha256).hexdigest()
    if not (fresh and hmac.compare_digest(given.encode(), right.encode())):
        raise Refusal(100, "Invalid appsecret_proof provided in the API argument", kind="GraphMethodException")


def require(account: Account, scope: str) -> None:
    if account.scopes is not None and scope not in account.scopes:
        raise errors.denied(scope)
