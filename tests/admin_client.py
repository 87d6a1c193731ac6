"""A client for tests of the admin: submits the forms of the page with their hidden fields, CSRF enforced."""

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
        token = next(form.fields["csrfmiddlewaretoken"] for form in self.page.forms)
        return self._keep(self.client.post(url, {"csrfmiddlewaretoken": token, **fields})).answer

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.page.texts).split())

    def _keep(self, answer: Any) -> "AdminClient":
        self.answer = answer
        if not answer.headers.get("Location"):
            self.page = _Page(answer.content.decode())
        return self
