"""The dialog of Facebook Login: a page on which a person chooses permissions and Pages, or cancels.

Faults of the request that the platform shows on a page of its own are shown on this one: an unknown app, an address
that the app does not list, an unknown permission. Everything else goes back to the address.
"""

import re
import secrets
from html import escape
from urllib.parse import parse_qs, urlencode

from dynamo.sandbox.http import Request, Response
from dynamo.sandbox.login import PERMISSIONS
from dynamo.sandbox.models import Account, Person
from dynamo.sandbox.routes import split_version
from dynamo.sandbox.state import Code, SandboxContext, now

PATH = re.compile(r"(?:/v\d+\.\d+)?/dialog/oauth")
POLICY = "default-src 'none'; style-src 'self'; img-src 'self'"
PARAMETERS = ("client_id", "redirect_uri", "state", "response_type", "scope", "config_id", "auth_type")
CANCELLED = {
    "error": "access_denied",
    "error_code": "200",
    "error_description": "Permissions error",
    "error_reason": "user_denied",
}
FRAME = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="/media/dynamo.png?w=64&amp;h=64">
<link rel="stylesheet" href="/page.css">
</head>
<body class="dialog">
<header><h1>{title}</h1><p>The sandbox plays the login of Facebook.</p></header>
<main>{content}</main>
</body>
</html>
"""


class Blocked(Exception):
    """The dialog refuses the request on a page of its own."""


def handle(context: SandboxContext, request: Request) -> Response:
    """GET shows the dialog, POST is the person's answer in it."""
    try:
        split_version(request.raw_path)
        values = request.query if request.method != "POST" else _form_values(context, request)
        with context.state.lock:
            wanted = _requested(context, values)
            people = _people(context)
            if request.method == "POST":
                return _answered(context, request, values, wanted, people)
            return _dialog(context, values, wanted, people)
    except Blocked as blocked:
        return _page("Something went wrong", f'<p class="wrong">{escape(str(blocked))}</p>', status=400)


def _people(context: SandboxContext) -> list[Person]:
    people = context.state.people()
    if not people:
        raise Blocked("No person is signed in: create one by POST /__people.")
    return people


def _form_values(context: SandboxContext, request: Request) -> dict[str, str]:
    if request.headers.get("Origin") != context.url:
        raise Blocked("The form was sent by a page of another origin.")
    return {name: values[0] for name, values in _form(request).items()}


def _form(request: Request) -> dict[str, list[str]]:
    return parse_qs(request.body.decode("utf-8", "replace"), keep_blank_values=True)


def _requested(context: SandboxContext, values: dict[str, str]) -> list[str]:
    """Return the requested permissions. Raises Blocked for a request that the platform does not take."""
    settings = context.settings
    if not settings.app_id or values.get("client_id") != settings.app_id:
        raise Blocked("Invalid App ID: the provided app ID does not look like a valid app ID.")
    if values.get("redirect_uri") not in settings.redirect_uris:
        raise Blocked(
            "URL blocked. This redirect failed because the redirect URI is not white-listed in the app's client OAuth "
            "settings."
        )
    if values.get("response_type", "code") != "code":
        raise Blocked("Invalid response_type: this app uses the authorization code.")
    if config_id := values.get("config_id"):
        if config_id not in settings.login_configs:
            raise Blocked("Invalid config_id: the configuration does not belong to this app.")
        wanted = settings.login_configs[config_id]["permissions"]
    else:
        wanted = [name for name in re.split(r"[,\s]+", values.get("scope", "")) if name]
    if unknown := sorted(set(wanted) - PERMISSIONS):
        raise Blocked(f"Invalid Scopes: {', '.join(unknown)}. This message is only shown to developers.")
    return ["public_profile", *(name for name in dict.fromkeys(wanted) if name != "public_profile")]


def _asked(person: Person, wanted: list[str], values: dict[str, str]) -> list[str]:
    """Return the permissions that the person is asked for: declined ones again only with auth_type=rerequest.

    A configuration asks for all of its permissions each time (Meta's "Facebook Login for Business").
    """
    again = values.get("auth_type") == "rerequest" or bool(values.get("config_id"))
    return [name for name in wanted if again or person.permissions.get(name) != "declined"]


def _dialog(context: SandboxContext, values: dict[str, str], wanted: list[str], people: list[Person]) -> Response:
    known = {name: value for name, value in values.items() if name in PARAMETERS}
    person = next((person for person in people if person.id == values.get("person")), people[0])
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{escape(value)}">'
        for name, value in {**known, "person": person.id}.items()
    )
    others = "".join(
        f' <a href="?{escape(urlencode({**known, "person": other.id}))}">Continue as {escape(other.name)} instead</a>'
        for other in people
        if other is not person
    )
    fixed = bool(values.get("config_id"))  # a person takes all permissions of a configuration, or cancels
    permissions = "".join(
        f'<li><label><input type="checkbox" name="permission" value="{name}" checked'
        f"{' disabled' if fixed or name == 'public_profile' else ''}> <code>{name}</code></label></li>"
        for name in _asked(person, wanted, values)
    )
    content = f"""<form method="post" class="login">{hidden}
<p>Dynamo asks <strong>{escape(person.name)}</strong> for access.{others}</p>
<fieldset><legend>Pages</legend><ul>{_page_choices(context, person)}</ul></fieldset>
<fieldset><legend>Permissions</legend><ul>{permissions}</ul></fieldset>
<p class="choices"><button name="answer" value="continue">Continue as {escape(person.name)}</button>
<button name="answer" value="cancel" class="quiet">Cancel</button></p>
</form>"""
    return _page("Continue with Facebook", content)


def _page_choices(context: SandboxContext, person: Person) -> str:
    entries = []
    for page_id in person.pages:
        page, linked = context.state.find(page_id), context.state.linked(page_id)
        if isinstance(page, Account):
            handle = f" and Instagram {escape(linked.username or linked.name)}" if linked else ""
            checked = " checked" if not person.chosen or page_id in person.chosen else ""
            entries.append(
                f'<li><label><input type="checkbox" name="page" value="{page_id}"{checked}> '
                f"{escape(page.name)}{handle}</label></li>"
            )
    return "".join(entries)


def _answered(
    context: SandboxContext, request: Request, values: dict[str, str], wanted: list[str], people: list[Person]
) -> Response:
    person = next((person for person in people if person.id == values.get("person")), people[0])
    state = {"state": values["state"]} if "state" in values else {}
    if values.get("answer") != "continue":
        return _redirect(values["redirect_uri"], {**CANCELLED, **state})
    form = _form(request)
    chosen = set(wanted) if values.get("config_id") else {"public_profile", *form.get("permission", [])}
    for name in _asked(person, wanted, values):
        person.permissions[name] = "granted" if name in chosen else "declined"
    person.chosen = [page for page in person.pages if page in form.get("page", [])]
    context.state.put(person)
    code = f"AQ{secrets.token_hex(60)}"
    ends = now() + context.settings.code_seconds
    context.state.codes[code] = Code(person.id, values["redirect_uri"], ends, values.get("config_id", ""))
    return _redirect(values["redirect_uri"], {"code": code, **state}, "#_=_")


def _redirect(address: str, query: dict[str, str], fragment: str = "") -> Response:
    location = f"{address}{'&' if '?' in address else '?'}{urlencode(query)}{fragment}"
    return Response(302, b"", "text/html; charset=utf-8", {"Location": location, "Cache-Control": "no-store"})


def _page(title: str, content: str, *, status: int = 200) -> Response:
    body = FRAME.format(title=title, content=content).encode("utf-8", "replace")
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}
    return Response(status, body, "text/html; charset=utf-8", headers)
