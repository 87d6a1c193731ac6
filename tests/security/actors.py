"""Everybody who could stand before a door."""

from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

from django.test import Client

from accounts.models import User
from tests.api_client import SignedClient
from tests.security.fixtures import PASSWORD, Side, Stage

SAFE = {"GET", "HEAD", "OPTIONS"}


@dataclass
class Caller:
    """`side` is where the caller belongs, `user` who it is to the desk. `token` goes with every form that is sent.

    `judged`: a browser that another site drives reads nothing that the site could see, so only its writing counts.
    """

    name: str
    side: Side
    belongs: bool = True
    user: User | None = None
    signed: SignedClient | None = None
    client: Client = field(default_factory=Client)
    token: str = ""
    reads: bool = True

    def __post_init__(self) -> None:
        self.client.raise_request_exception = False
        self.cookies = self.client.cookies.output(header="", sep=";")

    def send(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Send it: a form from people, JSON to the API. Each call finds the cookies as they were at first."""
        self.client.cookies = SimpleCookie(self.cookies)
        headers = self.signed.signature() if self.signed else {}
        if body is None or method in SAFE:
            return self.client.generic(method, path, headers=headers)
        if path.startswith("/v1"):
            import json

            return self.client.generic(method, path, json.dumps(body), "application/json", headers=headers)
        form = {**body, **({"csrfmiddlewaretoken": self.token} if self.token else {})}
        kind = "application/x-www-form-urlencoded"
        return self.client.generic(method, path, urlencode(form, doseq=True), kind, headers=headers)


def browser(user: User, *, csrf: bool = False) -> Client:
    """Return a browser in which the person is signed in, with their password."""
    client = Client(enforce_csrf_checks=csrf)
    assert client.login(username=user.get_username(), password=PASSWORD)
    return client


def token_of(client: Client) -> str:
    """Return the CSRF token that the browser was given."""
    client.get("/admin/password_change/")
    return client.cookies["csrftoken"].value


def everybody(stage: Stage) -> list[Caller]:
    """Return one caller of each kind."""
    home, other = stage.home, stage.other
    callers = [Caller("nobody", home, belongs=False)]
    callers += [
        Caller("key", home, signed=SignedClient(home.key)),
        Caller("other key", other, signed=SignedClient(other.key)),
    ]
    for name in ("viewer", "editor", "reviewer", "administrator"):
        callers.append(Caller(name, home, user=home.people[name], client=browser(home.people[name])))
    chief = other.people["chief"]
    callers.append(Caller("outsider", other, user=chief, client=browser(chief)))
    callers.append(Caller("superuser", home, belongs=False, user=stage.root, client=browser(stage.root)))
    return [*callers, _ended(home), _driven(home)]


def _ended(side: Side) -> Caller:
    """A form of the most powerful person's, with the session's cookies, sent after they signed out."""
    client = browser(side.people["chief"], csrf=True)
    token = token_of(client)
    cookies = client.cookies.output(header="", sep=";")
    client.post("/admin/logout/", {"csrfmiddlewaretoken": token})
    client.cookies = SimpleCookie(cookies)
    return Caller("ended session", side, belongs=False, client=client, token=token)


def _driven(side: Side) -> Caller:
    """The most powerful person's browser, sending a form that another site made up, with a token of its own session."""
    foreign = token_of(browser(side.people["viewer"]))
    client = browser(side.people["chief"], csrf=True)
    token_of(client)
    return Caller("cross-site form", side, client=client, token=foreign, reads=False)
