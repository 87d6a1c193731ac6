"""The reviewer's browser reads our forms as a real one does."""

import pytest

from dynamo.demo.browser import Browser, Form

pytestmark = pytest.mark.embedded

PAGE = """
<form action="/elsewhere"><input name="q"></form>
<form method="post" action="approve/">
  <input type="hidden" name="digest" value="abc">
  <input type="datetime-local" name="when" value="2031-01-01T10:00">
  <input type="checkbox" name="off"><input type="checkbox" name="on" checked>
  <select name="type"><option value="POST">Post</option><option value="REEL" selected>Reel</option></select>
  <textarea name="notes">one &amp; two</textarea>
  <button name="go" value="1">Approve</button><button type="button">Nothing</button>
</form>
"""


def test_a_form_holds_what_its_fields_hold() -> None:
    browser = Browser()
    browser.page = PAGE
    first, second = browser.forms()
    assert first == Form("/elsewhere", {"q": ""})
    assert second == Form(
        "approve/",
        {"digest": "abc", "when": "2031-01-01T10:00", "on": "on", "type": "REEL", "notes": "one & two"},
    )
