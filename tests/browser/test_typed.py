"""What is typed into the form of a post is neither lost nor left without a question (T10)."""

from playwright.sync_api import Dialog, expect

from tests.browser.conftest import OpenAdmin
from tests.browser.sample_data import Scene

ADD = "/admin/scheduling/scheduledpost/add/"


def test_half_written_post_survives_leaving_and_is_forgotten_once_saved_t10(
    open_admin: OpenAdmin, scene: Scene
) -> None:
    page = open_admin(scene.person)
    dialogs: list[str] = []

    def leave(dialog: Dialog) -> None:
        dialogs.append(dialog.type)
        dialog.accept()

    page.on("dialog", leave)
    page.goto(ADD)
    note = page.get_by_label("Note for the reviewer (internal)")
    caption = page.get_by_label("Caption").first
    note.fill("From the kitchen.")
    page.get_by_label(scene.facebook.name).first.check()  # shows the field of its caption
    caption.fill("Half a sent")
    page.goto("/admin/account/")
    assert dialogs == ["beforeunload"]

    page.goto(ADD)
    expect(note).to_have_value("From the kitchen.")
    expect(caption).to_have_value("Half a sent")
    expect(page.get_by_label(scene.facebook.name).first).to_be_checked()
    expect(page.get_by_text("is back; it is not saved yet")).to_be_visible()

    page.get_by_role("button", name="Save as draft").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.goto(ADD)
    expect(note).to_have_value("")
    expect(page.locator("#typed")).to_be_hidden()
    assert dialogs == ["beforeunload"]

    note.fill("Another one.")
    page.reload()
    page.get_by_role("button", name="Discard").click()
    expect(note).to_have_value("")
    note.fill("Not for the next person.")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('dynamo.typed:'))") == []


def test_chosen_time_is_written_as_all_other_times_t12(open_admin: OpenAdmin, scene: Scene) -> None:
    page = open_admin(scene.person)
    page.goto(f"{ADD}?scheduled_for=2030-11-29T09:05")
    expect(page.locator(".chosen")).to_have_text("Friday 29 November 2030, 09:05")
    page.get_by_label(scene.facebook.name).first.check()
    page.get_by_label("Caption").first.fill("One #tag")
    expect(page.get_by_text("8 characters, 1 hashtag, 0 mentions", exact=True)).to_be_visible()


def test_notes_of_a_rejection_survive_leaving_and_are_sent_without_a_question_t10(
    open_admin: OpenAdmin, scene: Scene
) -> None:
    page = open_admin(scene.person)
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.type), dialog.accept()))
    page.goto("/admin/scheduling/scheduledpost/?status=WAITING_FOR_APPROVAL")
    page.locator("a.row-title").first.click()
    page.get_by_text("Reject", exact=True).click()
    page.get_by_label("What should change?").fill("Warmer, please.")
    review = page.url
    page.goto("/admin/account/")
    assert dialogs == ["beforeunload"]

    page.goto(review)
    expect(page.get_by_label("What should change?")).to_have_value("Warmer, please.")
    page.get_by_role("button", name="Reject with these notes").click()
    expect(page.get_by_text("was returned to its author")).to_be_visible()
    assert dialogs == ["beforeunload"]
