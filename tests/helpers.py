"""The helpers that the test packages share: a signed API client, an admin client that submits forms, logins."""

import hashlib
import hmac
import json as jsonlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from html.parser import HTMLParser
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.db import connection
from django.test import Client, RequestFactory

from accounts import clock
from accounts.domain import actors
from accounts.domain.reviewers import Reviewer, get_reviewer
from accounts.exceptions import DomainError
from accounts.models import ApiKey, AuditChainLink, AuditEvent, Organization, User
from posts.domain import channels
from posts.models import Channel
from scheduling.domain import content, review
from scheduling.models import Approval, ScheduledPost

POSTS = "/admin/scheduling/scheduledpost/"
MISSING = object()


def log_in(user: User) -> Client:
    """Return a browser in which the user is logged in by the password that the fixture keeps in `raw_password`."""
    client = Client()
    assert client.login(username=user.get_username(), password=user.raw_password)  # type: ignore[attr-defined]
    return client


def as_reviewer(user: User, organization: Organization) -> Reviewer:
    """Return the Reviewer that the user is after a login by password, the only way to become one."""
    request: Any = RequestFactory().post("/admin/")
    request.session = log_in(user).session
    request.user = User.objects.get(pk=request.session[SESSION_KEY])
    return get_reviewer(request, organization)


def fresh(post: ScheduledPost) -> ScheduledPost:
    """Load the post again, as another request or worker does."""
    return ScheduledPost.objects.select_related("organization", "approval__first_approval").get(pk=post.pk)


def approve(reviewer: Reviewer, post: ScheduledPost, **options: Any) -> Approval:
    """Approve the post as it is stored now."""
    post = fresh(post)
    digest = content.current_content(post)[1]
    return review.approve(reviewer, post, revision=post.revision, digest=digest, **options)


def at_once(*functions: Callable[[], Any]) -> list[Any]:
    """Run the functions concurrently, each on its own connection; return their results, domain errors included."""
    barrier = threading.Barrier(len(functions))

    def run(function: Callable[[], Any]) -> Any:
        barrier.wait()
        try:
            return function()
        except DomainError as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(functions)) as pool:
        return list(pool.map(run, functions))


def reconnect(user: User, channel: Channel) -> None:
    """Connect the account of the channel again, with another token."""
    given = {"type": channel.type, "platform_id": channel.platform_id, "name": channel.name, "token": "new-token"}
    channels.connect(actors.user_actor(user), organization=channel.organization, **given)


def switch_truncate_triggers(action: str) -> None:
    """ENABLE or DISABLE the triggers that refuse to TRUNCATE the audit log in PostgreSQL."""
    with connection.cursor() as cursor:
        for model in (AuditEvent, AuditChainLink):
            cursor.execute(f"ALTER TABLE {model._meta.db_table} {action} TRIGGER no_truncate")


def has_waiting_lock() -> bool:
    """Whether a connection to PostgreSQL waits for a lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # a transaction keeps what it read first
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])


def stamp(instant: datetime) -> str:
    """Return `instant` as the contract writes times."""
    return instant.strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}Z"


class SignedClient:
    """A client that holds one key pair. Paths are given without /v1; answers are Django's test responses."""

    def __init__(self, key: ApiKey) -> None:
        self.key = key
        self.secret: str = key.secret  # type: ignore[attr-defined]  the fixture keeps it there
        self.client = Client()

    def signature(self, date: str | None = None) -> dict[str, str]:
        """Return the three headers. Computed here, so that the server's computation is tested against it."""
        date = stamp(clock.now()) if date is None else date
        signed = hmac.new(self.secret.encode(), date.encode(), hashlib.sha256).hexdigest()
        return {"x-api-key": self.key.pk, "x-date": date, "x-signature": signed}

    def call(
        self,
        method: str,
        path: str,
        json: Any = MISSING,
        *,
        body: bytes | None = None,
        content_type: str | None = None,
        headers: dict[str, str] | None = None,
        query: dict[str, Any] | None = None,
    ) -> Any:
        """Send one request. `json` is serialised as it is, NaN and lone surrogates too; `body` goes raw."""
        if json is not MISSING:
            body = jsonlib.dumps(json).encode()
            content_type = content_type or "application/json"
        return self.client.generic(
            method.upper(),
            f"/v1{path}",
            data=body or b"",
            content_type=content_type if content_type is not None else "application/json" if body else "",
            headers={**self.signature(), **(headers or {})},
            **({"query_params": query} if query is not None else {}),
        )

    def get(self, path: str, **given: Any) -> Any:
        return self.call("GET", path, **given)

    def post(self, path: str, json: Any = MISSING, **given: Any) -> Any:
        return self.call("POST", path, json, **given)

    def patch(self, path: str, json: Any = MISSING, **given: Any) -> Any:
        return self.call("PATCH", path, json, **given)

    def delete(self, path: str, **given: Any) -> Any:
        return self.call("DELETE", path, **given)


@dataclass
class Form:
    action: str
    fields: dict[str, str] = field(default_factory=dict)


class _Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.form: Form | None = None
        self.area = self.select = ""
        self.links: list[str] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        attributes = {key: value or "" for key, value in attrs}
        if tag == "a":
            self.links.append(attributes.get("href", ""))
        if tag == "form":
            self.form = Form(attributes.get("action", ""))
            self.forms.append(self.form)
        if self.form is None:
            return
        name = attributes.get("name", "")
        if tag == "input" and name and attributes.get("type") != "submit":
            checkable = attributes.get("type") in {"checkbox", "radio"}
            if not checkable or "checked" in attributes:
                self.form.fields[name] = attributes.get("value", "on" if checkable else "")
        elif tag == "textarea":
            self.area, self.form.fields[name] = name, ""
        elif tag == "select":
            self.select = name
        elif tag == "option" and self.select and ("selected" in attributes or self.select not in self.form.fields):
            self.form.fields[self.select] = attributes.get("value", "")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if self.area and self.form is not None:
            self.form.fields[self.area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.form = None
        if tag == "textarea" and self.form is not None:
            text = self.form.fields[self.area]
            self.form.fields[self.area] = text.removeprefix("\r\n").removeprefix("\n")
            self.area = ""
        if tag == "select":
            self.select = ""


class AdminClient:
    """A signed-in user. `open` and `press` keep the last response in `answer` and its parsed HTML in `page`."""

    def __init__(self, user: User) -> None:
        self.client = Client(enforce_csrf_checks=True)
        assert self.client.login(username=user.get_username(), password=user.raw_password)  # type: ignore[attr-defined]
        self.answer: Any = None
        self.page = _Page("")
        self.url = ""

    def open(self, url: str) -> "AdminClient":
        self.url = url
        return self._keep(self.client.get(url))

    def review(self, post: Any) -> "AdminClient":
        return self.open(f"{POSTS}{post.pk}/review/")

    def form(self, action: str = "") -> Form:
        """Return the form whose action ends in `action`; the form without an action attribute if it is blank."""
        forms = [
            form for form in self.page.forms if (form.action.endswith(f"/{action}/") if action else not form.action)
        ]
        assert len(forms) == 1, (action, [form.action for form in self.page.forms])
        return forms[0]

    def offers(self, action: str) -> bool:
        return any(form.action.endswith(f"/{action}/") for form in self.page.forms)

    def press(self, action: str = "", **typed: str) -> "AdminClient":
        form = self.form(action)
        return self._keep(self.client.post(form.action or self.url, {**form.fields, **typed}))

    def follow(self) -> "AdminClient":
        return self.open(self.answer.url)

    def send(self, url: str, **fields: str) -> Any:
        """POST to a URL that the page has no form for, with the CSRF token of the page."""
        return self._keep(self.client.post(url, {"csrfmiddlewaretoken": self.token, **fields})).answer

    @property
    def token(self) -> str:
        """The CSRF token of the page's forms."""
        return next(token for form in self.page.forms if (token := form.fields.get("csrfmiddlewaretoken")))

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.page.texts).split())

    def _keep(self, answer: Any) -> "AdminClient":
        self.answer = answer
        if not answer.headers.get("Location"):
            self.page = _Page(answer.content.decode())
        return self
