"""What a page becomes under hands is for everybody too: the overlay of keys, refusals, answers."""

from typing import Any

import pytest
from playwright.sync_api import expect

from accounts.domain import actors
from scheduling.domain import drafts
from scheduling.domain.drafts import ChannelText
from tests.admin_client import POSTS
from tests.browser.axe import Judge
from tests.browser.conftest import Desk
from tests.browser.sample_data import Scene


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_what_pages_become_is_there_for_everybody(phone: bool, desk: Desk, scene: Scene, open_browser: Any) -> None:
    page, judge, post = desk(scene.person, phone=phone), Judge(), scene.posts["WAITING_FOR_APPROVAL"]
    found = {}
    page.goto(f"{POSTS}{post.pk}/review/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    found["keys"] = judge.faults(page)
    page.keyboard.press("Escape")
    page.get_by_text("Reject", exact=True).click()
    page.get_by_role("button", name="Reject with these notes").click()
    expect(page.get_by_role("alert")).to_contain_text("Say in the notes what should change")
    found["rejected without notes"] = judge.faults(page)
    page.goto(f"{POSTS}?status=WAITING_FOR_APPROVAL")
    facebook = scene.facebook
    changes: Any = {"channels": {facebook.public_id: ChannelText(facebook.type, "Lunch is late", None)}}
    drafts.edit(actors.api_key_actor(scene.key), post, changes=changes)
    page.get_by_label("All on this page").check()
    found["chosen"] = judge.faults(page)
    page.get_by_role("button", name="Approve the chosen").click()
    expect(page.get_by_role("heading", name="Not approved")).to_be_visible()
    found["several"] = judge.faults(page)
    page.goto(f"{POSTS}add/")
    page.get_by_role("button", name="Submit for approval").click()
    found["form refused"] = judge.faults(page)
    page = open_browser(phone=phone).new_page()
    page.goto("/admin/")
    page.get_by_label("Username").fill("rita")
    page.get_by_label("Password").fill("not hers")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    found["not signed in"] = judge.faults(page)
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
