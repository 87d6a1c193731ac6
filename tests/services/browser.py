"""A browser for the forms of the admin, as HTML without scripts: cookies, redirects and input fields."""

import time
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import requests


@dataclass
class Form:
    """A form of a page: its action, and the values of its fields."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class _FormParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(values.get("action", "")))
        elif tag == "input" and self.forms and values.get("name") and values.get("type") != "checkbox":
            self.forms[-1].fields[values["name"]] = values.get("value", "")


class Browser:
    """One person's browser; `url` and `page` are of the page that it shows."""

    def __init__(self) -> None:
        self.session = requests.Session()
        self.url = self.page = ""

    def open(self, url: str, data: dict[str, str] | None = None) -> str:
        """Return the page at `url`, by POST when there is `data`. Raises requests.HTTPError for 4xx and 5xx."""
        method = "GET" if data is None else "POST"
        headers = {"Referer": self.url} if data is not None else {}
        response = self.session.request(method, urljoin(self.url, url), data=data, headers=headers, timeout=30)
        response.raise_for_status()
        self.url, self.page = response.url, response.text
        return self.page

    def forms(self) -> list[Form]:
        parser = _FormParser()
        parser.feed(self.page)
        return parser.forms

    def send(self, form: Form, values: dict[str, str]) -> str:
        """Send the form with these values in place of its own, and return the next page."""
        return self.open(form.action or self.url, {**form.fields, **values})

    def open_inspected(self, page: str, within: float) -> None:
        """Open a review page once the post's media is inspected. Raises LookupError after `within` seconds."""
        until = time.monotonic() + within
        while "data-awaits" in self.open(page):
            if time.monotonic() > until:
                raise LookupError(f"the media was not inspected within {within:.0f} s")
            time.sleep(0.5)

    def approve(self, page: str, values: dict[str, str] | None = None, *, within: float = 30.0) -> None:
        """Approve the post of a review page, once its media is inspected. Raises LookupError when refused."""
        self.open_inspected(page, within)
        form = next((form for form in self.forms() if form.action.endswith("/approve/")), None)
        if form is None:
            raise LookupError("the review page offers no approval")
        self.send(form, values or {})
        if self.url.endswith("/approve/"):
            raise LookupError("the admin refused the approval")

    def sign_in(self, admin: str, username: str, password: str) -> None:
        """Log in to the admin. Raises LookupError when it refuses."""
        self.open(admin)
        form = next(form for form in self.forms() if "password" in form.fields)
        self.send(form, {"username": username, "password": password})
        if any("password" in form.fields for form in self.forms()):
            raise LookupError(f"the admin refused the login of {username}")
