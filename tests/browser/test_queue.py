"""Reviewing in the browser by mouse, keyboard and touch."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from playwright.sync_api import Page, expect

from accounts import clock
from accounts.domain import actors
from accounts.models import User
from scheduling.domain import drafts
from scheduling.domain.drafts import ChannelText
from scheduling.lifecycle import Status
from scheduling.models import Approval, Delivery, SavedView, ScheduledPost
from tests.browser.conftest import OpenAdmin
from tests.helpers import POSTS
from tests.services.processes import eventually, process_group

pytestmark = pytest.mark.django_db(transaction=True)
QUEUE = f"{POSTS}?status=WAITING_FOR_APPROVAL"
WAIT_VISIBLE = "new Promise((done) => setTimeout(done, 1000))"  # longer than MIN_VISIBLE of keys.js


def status(post: Any) -> str:
    return str(ScheduledPost.objects.get(pk=post.pk).status)


@pytest.fixture
def three(make_waiting: Any, facebook: Any) -> list[Any]:
    """Three waiting posts, soonest first."""
    return [
        make_waiting(
            channels={facebook.public_id: ChannelText(facebook.type, f"{name} is on", None)},
            scheduled_for=clock.now() + timedelta(hours=hours),
        )
        for hours, name in ((1, "Breakfast"), (2, "Lunch"), (3, "Dinner"))
    ]


def press(page: Page, *keys: str) -> None:
    """Press keys after the page has been visible for long enough."""
    page.wait_for_load_state("load")
    page.evaluate(WAIT_VISIBLE)
    for key in keys:
        page.keyboard.press(key)


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.textContent")).strip()


def test_post_is_published_from_login_to_dashboard(
    open_browser: Any, three: list[Any], reviewer: User, web: str, sandbox: Any, tmp_path: Any
) -> None:
    User.objects.filter(pk=reviewer.pk).update(
        password=PBKDF2PasswordHasher().encode("a password of a person", "salt", iterations=1000)
    )
    page = open_browser().new_page()
    page.goto(QUEUE)
    page.get_by_label("Username").fill("reviewer")
    page.get_by_label("Password").fill("a password of a person")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Breakfast is on").click()
    expect(page.get_by_role("heading", name="Your decision")).to_be_visible()
    page.get_by_text("Publish now", exact=True).first.click()
    page.get_by_role("button", name="Publish now").click()
    expect(page.get_by_text("is being published now")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("Lunch is on")  # the next one

    with process_group(tmp_path) as started:
        started.worker("--pool", "threads", beat=True, DYNAMO_SWEEP_INTERVAL="0.5")
        started.media_worker()
        eventually(lambda: status(three[0]) == Status.PUBLISHED, what="published")
        eventually(lambda: Delivery.objects.exclude(permalink="").exists(), what="linked")
    assert len(sandbox.posts) == 1
    page.goto("/admin/")
    published = page.locator(".panel", has_text="Recently published")
    expect(published.get_by_role("link", name="Breakfast is on")).to_be_visible()
    expect(published.get_by_role("link", name="published on Facebook")).to_be_visible()


def test_stale_approval_shows_the_changes(
    open_admin: OpenAdmin, three: list[Any], reviewer: User, key: Any, facebook: Any
) -> None:
    page = open_admin(reviewer)
    page.goto(f"{POSTS}{three[0].pk}/review/")
    changes: Any = {"channels": {facebook.public_id: ChannelText(facebook.type, "Breakfast is off", None)}}
    drafts.edit(actors.api_key_actor(key), ScheduledPost.objects.get(pk=three[0].pk), changes=changes)
    page.get_by_role("button", name="Approve and schedule").first.click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was approved.")
    assert (page.locator("#problem ins").inner_text(), status(three[0])) == ("off", Status.WAITING_FOR_APPROVAL)
    page.get_by_role("button", name="Approve and schedule").first.click()
    expect(page.get_by_text("Approved: “Breakfast is off”")).to_be_visible()


def test_approval_is_undone_until_the_button_disappears(
    open_admin: OpenAdmin, three: list[Any], reviewer: User
) -> None:
    page = open_admin(reviewer)
    page.goto(f"{POSTS}{three[0].pk}/review/")
    page.get_by_role("button", name="Approve and schedule").first.click()
    expect(page.get_by_role("button", name="Undo approval")).to_be_visible()
    page.evaluate("for (const animation of document.getAnimations()) animation.pause()")
    Approval.objects.update(created_at=clock.now())  # on a slow machine, ten seconds may have passed
    page.get_by_role("button", name="Undo approval").click()
    expect(page.get_by_text("Undone: “Breakfast is on” is waiting for approval again.")).to_be_visible()
    assert status(three[0]) == Status.WAITING_FOR_APPROVAL
    page.get_by_role("button", name="Approve and schedule").first.click()
    expect(page.get_by_role("button", name="Undo approval")).to_be_visible()
    page.evaluate("for (const animation of document.getAnimations()) animation.finish()")  # ten seconds later
    expect(page.get_by_role("button", name="Undo approval")).to_be_hidden()


def test_reject_needs_notes(open_admin: OpenAdmin, three: list[Any], reviewer: User) -> None:
    page = open_admin(reviewer)
    page.goto(f"{POSTS}{three[0].pk}/review/")
    press(page, "r")
    page.get_by_role("button", name="Reject with these notes").click()
    assert page.get_by_label("What should change?").evaluate("notes => notes.matches(':invalid:focus')")  # not sent
    page.get_by_label("What should change?").fill("  ")
    page.get_by_role("button", name="Reject with these notes").click()
    expect(page.get_by_role("alert")).to_contain_text("Say in the notes what should change")
    assert status(three[0]) == Status.WAITING_FOR_APPROVAL
    page.get_by_label("What should change?").fill("Say when.")
    page.get_by_role("button", name="Reject with these notes").click()
    expect(page.get_by_text("Rejected: “Breakfast is on”")).to_be_visible()
    assert ScheduledPost.objects.get(pk=three[0].pk).notes == "Say when."


def test_shortcuts_navigate_approve_and_reject(open_admin: OpenAdmin, three: list[Any], reviewer: User) -> None:
    page = open_admin(reviewer)
    page.goto(QUEUE)
    press(page, "j", "j", "j", "j", "k")
    assert focused(page) == "Lunch is on"
    press(page, "o")
    expect(page.get_by_role("heading", level=1)).to_have_text("Lunch is on")
    press(page, "k")
    expect(page.get_by_role("heading", level=1)).to_have_text("Breakfast is on")
    press(page, "j")
    expect(page.get_by_role("heading", level=1)).to_have_text("Lunch is on")
    press(page, "a")
    expect(page.get_by_role("heading", level=1)).to_have_text("Dinner is on")
    assert [status(post) for post in three] == ["WAITING_FOR_APPROVAL", "SCHEDULED", "WAITING_FOR_APPROVAL"]
    press(page, "u")
    expect(page.get_by_role("heading", level=1)).to_have_text("To approve")
    press(page, "j", "r")
    expect(page.get_by_label("What should change?")).to_be_focused()
    expect(page.get_by_role("heading", level=1)).to_have_text("Breakfast is on")


def test_shortcuts_are_ignored_in_text_fields(open_admin: OpenAdmin, three: list[Any], reviewer: User) -> None:
    page = open_admin(reviewer)
    page.goto(f"{POSTS}{three[0].pk}/review/")
    press(page, "r")
    page.keyboard.type("a jar? / ok")
    expect(page.get_by_label("What should change?")).to_have_value("a jar? / ok")
    expect(page.locator("dialog#keys")).to_be_hidden()
    page.goto(QUEUE)
    press(page, "/")
    page.keyboard.type("lunch a?")
    expect(page.get_by_role("searchbox")).to_have_value("lunch a?")
    assert Approval.objects.count() == 0


def test_shortcuts_can_be_turned_off(open_admin: OpenAdmin, three: list[Any], reviewer: User) -> None:
    page = open_admin(reviewer)
    page.goto(f"{POSTS}{three[0].pk}/review/")
    press(page, "?")
    expect(page.get_by_role("dialog")).to_contain_text("approve and schedule the post")
    press(page, "a")  # ignored while the dialog is open
    page.get_by_label("Use keyboard shortcuts on this device").uncheck()
    page.get_by_role("button", name="Close").click()
    press(page, "a", "j", "r")
    expect(page.get_by_label("What should change?")).to_be_hidden()
    page.reload()
    press(page, "a")
    assert (page.url.endswith(f"{three[0].pk}/review/"), Approval.objects.count()) == (True, 0)


def test_held_or_early_key_approves_nothing(open_admin: OpenAdmin, three: list[Any], reviewer: User) -> None:
    page = open_admin(reviewer)
    page.goto(f"{POSTS}{three[0].pk}/review/")
    page.evaluate(WAIT_VISIBLE)
    page.evaluate("document.dispatchEvent(new KeyboardEvent('keydown', {key: 'a', repeat: true, bubbles: true}))")
    page.keyboard.down("a")
    page.keyboard.down("a")  # repeats, and finds the page of the next post just opened
    expect(page.get_by_role("heading", level=1)).to_have_text("Lunch is on")
    page.keyboard.down("a")
    page.keyboard.up("a")
    assert [status(post) for post in three] == ["SCHEDULED", "WAITING_FOR_APPROVAL", "WAITING_FOR_APPROVAL"]


def test_bulk_approval_lists_refused_posts(
    open_admin: OpenAdmin, three: list[Any], reviewer: User, key: Any, facebook: Any
) -> None:
    page = open_admin(reviewer)
    page.goto(QUEUE)
    page.get_by_label("All on this page").check()
    page.get_by_role("button", name="Review selected (3)").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Approve 3 posts?")
    changes: Any = {"channels": {facebook.public_id: ChannelText(facebook.type, "Lunch is late", None)}}
    drafts.edit(actors.api_key_actor(key), ScheduledPost.objects.get(pk=three[1].pk), changes=changes)
    press(page, "a")
    expect(page.get_by_role("heading", level=1)).to_have_text("Approve 3 posts?")  # no key approves
    page.get_by_role("button", name="Approve selected (3)").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("2 approved, 1 not")
    refused = page.locator("section", has=page.get_by_role("heading", name="Not approved"))
    expect(refused).to_contain_text("Lunch is late")
    expect(refused).to_contain_text("The content has changed since")
    assert [status(post) for post in three] == ["SCHEDULED", "WAITING_FOR_APPROVAL", "SCHEDULED"]
    page.get_by_role("link", name="Back to the queue").click()
    press(page, "j", "x", "a")
    page.get_by_role("button", name="Approve selected (1)").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("1 approved")


def test_approve_on_a_phone_in_two_taps(open_admin: OpenAdmin, three: list[Any], reviewer: User) -> None:
    page = open_admin(reviewer, phone=True)
    page.goto(QUEUE)
    page.get_by_role("link", name="Breakfast is on").tap()
    page.locator(".thumbbar").get_by_role("button", name="Approve and schedule").tap()
    expect(page.get_by_text("Approved: “Breakfast is on”")).to_be_visible()
    assert status(three[0]) == Status.SCHEDULED
    expect(page.get_by_role("heading", level=1)).to_have_text("Lunch is on")


def test_filter_is_saved_opened_and_deleted(open_admin: OpenAdmin, three: list[Any], reviewer: User) -> None:
    page = open_admin(reviewer)
    page.goto(QUEUE)
    page.get_by_role("searchbox").fill("lunch")
    page.get_by_role("button", name="Apply", exact=True).click()
    expect(page.locator("[data-row]")).to_have_count(1)
    page.get_by_text("Save filter…").click()
    page.get_by_label("Filter name").fill("About lunch")
    page.get_by_role("button", name="Save", exact=True).click()
    page.goto(QUEUE)
    expect(page.locator("[data-row]")).to_have_count(3)
    page.get_by_role("link", name="About lunch").click()
    expect(page.locator("[data-row]")).to_have_count(1)
    page.get_by_role("button", name="Delete the filter “About lunch”").click()
    expect(page.get_by_role("link", name="About lunch")).to_have_count(0)
    assert SavedView.objects.count() == 0
