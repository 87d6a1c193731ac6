"""A reviewer's day at the desk, in a browser: by mouse, by keyboard, and on a phone."""

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
from tests.admin_client import POSTS
from tests.browser.conftest import Desk
from tests.services.processes import eventually, process_group

pytestmark = pytest.mark.django_db(transaction=True)
QUEUE = f"{POSTS}?status=WAITING_FOR_APPROVAL"
LOOKED = "new Promise((done) => setTimeout(done, 500))"  # longer than the page waits before a key decides


def status(post: Any) -> str:
    return str(ScheduledPost.objects.get(pk=post.pk).status)


@pytest.fixture
def three(make_waiting: Any, facebook: Any) -> list[Any]:
    """Three posts that wait, soonest first."""
    return [
        make_waiting(
            channels={facebook.public_id: ChannelText(facebook.type, f"{name} is on", None)},
            scheduled_for=clock.now() + timedelta(hours=hours),
        )
        for hours, name in ((1, "Breakfast"), (2, "Lunch"), (3, "Dinner"))
    ]


def press(page: Page, *keys: str) -> None:
    """Press keys as a person does who has looked at the page."""
    page.evaluate(LOOKED)
    for key in keys:
        page.keyboard.press(key)


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.textContent")).strip()


def test_a_post_goes_the_whole_way_from_the_sign_in_to_the_public(
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
    expect(page.get_by_text("is going out now")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("Lunch is on")  # the next one

    with process_group(tmp_path) as started:
        started.worker("--pool", "threads", beat=True, DYNAMO_SWEEP_INTERVAL="0.5")
        started.media_worker()
        eventually(lambda: status(three[0]) == Status.PUBLISHED, within=40, what="published")
        eventually(lambda: Delivery.objects.exclude(permalink="").exists(), within=40, what="linked")
    assert len(sandbox.posts) == 1
    page.goto("/admin/")
    live = page.locator(".panel", has_text="Went live")
    expect(live.get_by_role("link", name="Breakfast is on")).to_be_visible()
    expect(live.get_by_role("link", name="live on Facebook")).to_be_visible()


def test_a_stale_approval_shows_what_changed_and_approves_nothing(
    desk: Desk, three: list[Any], reviewer: User, key: Any, facebook: Any
) -> None:
    page = desk(reviewer)
    page.goto(f"{POSTS}{three[0].pk}/review/")
    changes: Any = {"channels": {facebook.public_id: ChannelText(facebook.type, "Breakfast is off", None)}}
    drafts.edit(actors.api_key_actor(key), ScheduledPost.objects.get(pk=three[0].pk), changes=changes)
    page.get_by_role("button", name="Approve and schedule").first.click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was approved.")
    assert (page.locator("#problem ins").inner_text(), status(three[0])) == ("off", Status.WAITING_FOR_APPROVAL)
    page.get_by_role("button", name="Approve and schedule").first.click()
    expect(page.get_by_text("Approved: “Breakfast is off”")).to_be_visible()


def test_a_rejection_needs_notes(desk: Desk, three: list[Any], reviewer: User) -> None:
    page = desk(reviewer)
    page.goto(f"{POSTS}{three[0].pk}/review/")
    press(page, "r")
    page.get_by_role("button", name="Reject with these notes").click()
    expect(page.get_by_role("alert")).to_contain_text("Say in the notes what should change")
    assert status(three[0]) == Status.WAITING_FOR_APPROVAL
    page.get_by_label("What should change?").fill("Say when.")
    page.get_by_role("button", name="Reject with these notes").click()
    expect(page.get_by_text("Rejected: “Breakfast is on”")).to_be_visible()
    assert ScheduledPost.objects.get(pk=three[0].pk).notes == "Say when."


def test_the_keyboard_moves_opens_approves_and_rejects(desk: Desk, three: list[Any], reviewer: User) -> None:
    page = desk(reviewer)
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
    assert [status(item) for item in three] == ["WAITING_FOR_APPROVAL", "SCHEDULED", "WAITING_FOR_APPROVAL"]
    press(page, "u")
    expect(page.get_by_role("heading", level=1)).to_have_text("To approve")
    press(page, "j", "r")
    expect(page.get_by_label("What should change?")).to_be_focused()
    expect(page.get_by_role("heading", level=1)).to_have_text("Breakfast is on")


def test_keys_are_only_letters_where_a_person_types(desk: Desk, three: list[Any], reviewer: User) -> None:
    page = desk(reviewer)
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


def test_help_lists_the_keys_and_can_switch_them_off(desk: Desk, three: list[Any], reviewer: User) -> None:
    page = desk(reviewer)
    page.goto(f"{POSTS}{three[0].pk}/review/")
    press(page, "?")
    expect(page.get_by_role("dialog")).to_contain_text("approve and schedule what is shown")
    press(page, "a")  # nothing happens behind the overlay
    page.get_by_label("Single keys do something on this device").uncheck()
    page.get_by_role("button", name="Close").click()
    press(page, "a", "j", "r")
    expect(page.get_by_label("What should change?")).to_be_hidden()
    page.reload()
    press(page, "a")
    assert (page.url.endswith(f"{three[0].pk}/review/"), Approval.objects.count()) == (True, 0)


def test_a_key_that_is_held_or_comes_too_soon_approves_nothing(desk: Desk, three: list[Any], reviewer: User) -> None:
    page = desk(reviewer)
    page.goto(f"{POSTS}{three[0].pk}/review/")
    page.evaluate(LOOKED)
    page.evaluate("document.dispatchEvent(new KeyboardEvent('keydown', {key: 'a', repeat: true, bubbles: true}))")
    page.keyboard.down("a")
    page.keyboard.down("a")  # repeats, and finds the page of the next post just opened
    expect(page.get_by_role("heading", level=1)).to_have_text("Lunch is on")
    page.keyboard.down("a")
    page.keyboard.up("a")
    assert [status(item) for item in three] == ["SCHEDULED", "WAITING_FOR_APPROVAL", "WAITING_FOR_APPROVAL"]


def test_several_are_approved_at_once_and_what_was_refused_says_why(
    desk: Desk, three: list[Any], reviewer: User, key: Any, facebook: Any
) -> None:
    page = desk(reviewer)
    page.goto(QUEUE)
    changes: Any = {"channels": {facebook.public_id: ChannelText(facebook.type, "Lunch is late", None)}}
    drafts.edit(actors.api_key_actor(key), ScheduledPost.objects.get(pk=three[1].pk), changes=changes)
    page.get_by_label("All on this page").check()
    page.get_by_role("button", name="Approve the chosen (3)").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("2 approved, 1 not")
    refused = page.locator("section", has=page.get_by_role("heading", name="Not approved"))
    expect(refused).to_contain_text("Lunch is late")
    expect(refused).to_contain_text("It has changed since your page was loaded")
    assert [status(item) for item in three] == ["SCHEDULED", "WAITING_FOR_APPROVAL", "SCHEDULED"]
    page.get_by_role("link", name="Back to the queue").click()
    press(page, "j", "x", "a")
    expect(page.get_by_role("heading", level=1)).to_have_text("1 approved")


def test_a_phone_approves_in_two_taps(desk: Desk, three: list[Any], reviewer: User) -> None:
    page = desk(reviewer, phone=True)
    page.goto(QUEUE)
    page.get_by_role("link", name="Breakfast is on").tap()
    page.locator(".thumbbar").get_by_role("button", name="Approve and schedule").tap()
    expect(page.get_by_text("Approved: “Breakfast is on”")).to_be_visible()
    assert status(three[0]) == Status.SCHEDULED
    expect(page.get_by_role("heading", level=1)).to_have_text("Lunch is on")


def test_a_view_is_kept_opened_and_deleted(desk: Desk, three: list[Any], reviewer: User) -> None:
    page = desk(reviewer)
    page.goto(QUEUE)
    page.get_by_role("searchbox").fill("lunch")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("[data-row]")).to_have_count(1)
    page.get_by_text("Keep this view…").click()
    page.get_by_label("Name of the view").fill("About lunch")
    page.get_by_role("button", name="Keep", exact=True).click()
    page.goto(QUEUE)
    expect(page.locator("[data-row]")).to_have_count(3)
    page.get_by_role("link", name="About lunch").click()
    expect(page.locator("[data-row]")).to_have_count(1)
    page.get_by_role("button", name="Delete the view “About lunch”").click()
    expect(page.get_by_role("link", name="About lunch")).to_have_count(0)
    assert SavedView.objects.count() == 0
