"""A browser that is just good enough for our own desk: cookies, redirects, and forms filled in as a person would.

The demo's reviewer uses it to approve the posts that are to be shown as published, because nothing but a person's
signed-in session can approve.
"""

import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import CookieJar, DefaultCookiePolicy


@dataclass
class Form:
    """A form of a page: where it goes, and what its fields hold."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.inside: Form | None = None
        self.select = ""
        self.area: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name = given.get("name", "")
        if tag == "form":
            self.inside = Form(given.get("action", ""))
            self.forms.append(self.inside)
        if self.inside is None:
            return
        if tag == "input":
            _input(self.inside, name, given)
        elif tag == "textarea":
            self.area, self.inside.fields[name] = name, ""
        elif tag == "select":
            self.select = name
        elif tag == "option" and (self.select not in self.inside.fields or "selected" in given):
            self.inside.fields[self.select] = given.get("value", "")

    def handle_data(self, data: str) -> None:
        if self.area is not None and self.inside is not None:
            self.inside.fields[self.area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = None
        elif tag == "textarea":
            self.area = None


def _input(form: Form, name: str, given: dict[str, str]) -> None:
    kind = given.get("type", "text")
    if name and kind != "submit" and (kind not in {"checkbox", "radio"} or "checked" in given):
        form.fields[name] = given.get("value", "on" if kind == "checkbox" else "")


class Browser:
    """One person's browser. `url` and `page` are where they are and what they see."""

    def __init__(self) -> None:
        # Loopback has no host name with a dot, which the default policy wants.
        self.opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(CookieJar(DefaultCookiePolicy(strict_domain=False)))
        )
        self.url = self.page = ""

    def open(self, url: str, data: dict[str, str] | None = None) -> str:
        """Go to `url` and return the page. Raises HTTPError for a failure or a refusal."""
        body = None if data is None else urllib.parse.urlencode(data).encode()
        request = urllib.request.Request(urllib.parse.urljoin(self.url, url), body)  # noqa: S310  loopback
        if body is not None:
            request.add_header("Referer", self.url)
        with self.opener.open(request, timeout=30) as answer:
            self.url, self.page = answer.url, answer.read().decode()
        return self.page

    def forms(self) -> list[Form]:
        parser = _Forms()
        parser.feed(self.page)
        return parser.forms

    def send(self, form: Form, typed: dict[str, str]) -> str:
        """Fill in what is typed, send the form, and return the page that follows."""
        return self.open(form.action or self.url, {**form.fields, **typed})

    def sign_in(self, admin: str, username: str, password: str) -> None:
        """Sign in at the desk. Raises LookupError when it does not let the person in."""
        self.open(admin)
        form = next(one for one in self.forms() if "password" in one.fields)
        self.send(form, {"username": username, "password": password})
        if any("password" in one.fields for one in self.forms()):
            raise LookupError(f"the desk did not let {username} in")
