"""Accessibility of page states after an interaction: dialogs, errors, results."""

from typing import Any

import pytest
from playwright.sync_api import expect

from accounts.domain import actors
from scheduling.domain import drafts
from scheduling.domain.drafts import ChannelText
from tests.browser.axe import AccessibilityChecker
from tests.browser.conftest import OpenAdmin
from tests.browser.sample_data import Scene
from tests.helpers import POSTS


@pytest.mark.every_page
@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_page_states_are_accessible(phone: bool, open_admin: OpenAdmin, scene: Scene, open_browser: Any) -> None:
    page, checker, post = (
        open_admin(scene.person, phone=phone),
        AccessibilityChecker(),
        scene.posts["WAITING_FOR_APPROVAL"],
    )
    violations = {}
    page.goto(f"{POSTS}{post.pk}/review/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    violations["keys"] = checker.violations(page)
    page.keyboard.press("Escape")
    page.get_by_text("Reject", exact=True).click()
    page.get_by_label("What should change?").fill("  ")
    page.get_by_role("button", name="Reject with these notes").click()
    expect(page.get_by_role("alert")).to_contain_text("Say in the notes what should change")
    violations["rejected without notes"] = checker.violations(page)
    page.goto(f"{POSTS}?status=WAITING_FOR_APPROVAL")
    facebook = scene.facebook
    changes: Any = {"channels": {facebook.public_id: ChannelText(facebook.type, "Lunch is late", None)}}
    page.get_by_label("All on this page").check()
    violations["selected"] = checker.violations(page)
    page.get_by_role("button", name="Review selected").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Approve ")
    drafts.edit(actors.api_key_actor(scene.key), post, changes=changes)
    page.get_by_role("button", name="Approve selected").click()
    expect(page.get_by_role("heading", name="Not approved")).to_be_visible()
    violations["bulk approval"] = checker.violations(page)
    page.goto(f"{POSTS}add/")
    page.get_by_role("button", name="Submit for approval").click()
    violations["form refused"] = checker.violations(page)
    page = open_browser(phone=phone).new_page()
    page.goto("/admin/")
    page.get_by_label("Username").fill("rita")
    page.get_by_label("Password").fill("not hers")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    violations["not signed in"] = checker.violations(page)
    assert {name: messages for name, messages in violations.items() if messages} == {}
