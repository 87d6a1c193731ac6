"""A browser for the desk's tests: real forms, hidden fields as the page gives them, CSRF enforced."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from django.test import Client

from accounts.models import User

POSTS = "/admin/scheduling/scheduledpost/"


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
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        given = {key: value or "" for key, value in attrs}
        if tag == "a":
            self.links.append(given.get("href", ""))
        if tag == "form":
            self.form = Form(given.get("action", ""))
            self.forms.append(self.form)
        if self.form is None:
            return
        name = given.get("name", "")
        if tag == "input" and name and given.get("type") != "submit":
            box = given.get("type") in {"checkbox", "radio"}
            if not box or "checked" in given:
                self.form.fields[name] = given.get("value", "on" if box else "")
        elif tag == "textarea":
            self.area, self.form.fields[name] = name, ""
        elif tag == "select":
            self.select = name
        elif tag == "option" and self.select and ("selected" in given or self.select not in self.form.fields):
            self.form.fields[self.select] = given.get("value", "")

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self.area and self.form is not None:
            self.form.fields[self.area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.form = None
        if tag == "textarea" and self.form is not None:
            typed = self.form.fields[self.area]
            self.form.fields[self.area] = typed.removeprefix("\r\n").removeprefix("\n")
            self.area = ""
        if tag == "select":
            self.select = ""


class Desk:
    """One person at the desk. `open` and `press` keep the last page."""

    def __init__(self, user: User) -> None:
        self.client = Client(enforce_csrf_checks=True)
        assert self.client.login(username=user.get_username(), password=user.raw_password)  # type: ignore[attr-defined]
        self.answer: Any = None
        self.page = _Page("")
        self.url = ""

    def open(self, url: str) -> "Desk":
        self.url = url
        return self._keep(self.client.get(url))

    def review(self, post: Any) -> "Desk":
        return self.open(f"{POSTS}{post.pk}/review/")

    def form(self, action: str = "") -> Form:
        """Return the form whose address ends in `action`; the page's own form for an empty one."""
        found = [
            form for form in self.page.forms if (form.action.endswith(f"/{action}/") if action else not form.action)
        ]
        assert len(found) == 1, (action, [form.action for form in self.page.forms])
        return found[0]

    def offers(self, action: str) -> bool:
        return any(form.action.endswith(f"/{action}/") for form in self.page.forms)

    def press(self, action: str = "", **typed: str) -> "Desk":
        form = self.form(action)
        return self._keep(self.client.post(form.action or self.url, {**form.fields, **typed}))

    def follow(self) -> "Desk":
        return self.open(self.answer.url)

    def send(self, url: str, **fields: str) -> Any:
        """Post by hand what no form offers, with this page's CSRF token."""
        token = next(form.fields["csrfmiddlewaretoken"] for form in self.page.forms)
        return self._keep(self.client.post(url, {"csrfmiddlewaretoken": token, **fields})).answer

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.page.words).split())

    def _keep(self, answer: Any) -> "Desk":
        self.answer = answer
        if not answer.headers.get("Location"):
            self.page = _Page(answer.content.decode())
        return self
