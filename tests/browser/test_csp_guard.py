"""The guard detects each kind of error."""

from accounts.models import User
from tests.browser.conftest import OpenAdmin
from tests.browser.csp_guard import Guard

ERRORS = {
    "an inline style": ("document.body.setAttribute('style', 'color: red')", "Content Security Policy"),
    "an inline script": (
        "document.body.append(Object.assign(document.createElement('script'), {textContent: '1'}))",
        "Content Security Policy",
    ),
    "an error in the console": ("console.error('something broke')", "something broke"),
    "an uncaught error": ("setTimeout(() => { throw new Error('not caught') })", "not caught"),
    "a missing file": ("fetch('/static/dynamo/nothing.js')", "404"),
    "a request to another host": (
        "document.body.append(Object.assign(new Image(), {src: 'https://example.com/a.png'}))",
        "example.com",
    ),
}


def test_guard_detects_every_kind_of_error(open_admin: OpenAdmin, reviewer: User, guard: Guard) -> None:
    page = open_admin(reviewer)
    page.goto("/admin/")
    assert guard.errors == []
    for name, (script, text) in ERRORS.items():
        with page.context.expect_event("console" if name != "an uncaught error" else "weberror"):
            page.evaluate(script)
        assert any(text in error for error in guard.errors), name
        guard.errors.clear()
