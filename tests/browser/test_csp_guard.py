"""The guard hears what it is there for: a test of the browser that cannot fail would be none."""

from accounts.models import User
from tests.browser.conftest import Desk
from tests.browser.csp_guard import Guard

WRONGS = {
    "an inline style": ("document.body.setAttribute('style', 'color: red')", "Content Security Policy"),
    "an inline script": (
        "document.body.append(Object.assign(document.createElement('script'), {textContent: '1'}))",
        "Content Security Policy",
    ),
    "an error in the console": ("console.error('something broke')", "something broke"),
    "an uncaught error": ("setTimeout(() => { throw new Error('nobody caught it') })", "nobody caught it"),
    "a missing file": ("fetch('/static/dynamo/nothing.js')", "404"),
    "a stranger": (
        "document.body.append(Object.assign(new Image(), {src: 'https://example.com/a.png'}))",
        "example.com",
    ),
}


def test_what_a_page_must_not_do_is_heard(desk: Desk, reviewer: User, guard: Guard) -> None:
    page = desk(reviewer)
    page.goto("/admin/")
    assert guard.complaints == []
    for name, (script, words) in WRONGS.items():
        with page.context.expect_event("console" if name != "an uncaught error" else "weberror"):
            page.evaluate(script)
        assert any(words in complaint for complaint in guard.complaints), name
        guard.complaints.clear()
