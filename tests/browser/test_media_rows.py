"""The rows of several media in the form of a post: one at a time with the script, all of them without."""

from playwright.sync_api import Page, expect

from scheduling.models import ScheduledPost
from tests.browser.axe import AccessibilityChecker
from tests.browser.conftest import OpenAdmin
from tests.browser.sample_data import Scene
from tests.helpers import POSTS

ADD = f"{POSTS}add/"
URLS = [f"https://media.example.com/{name}.jpg" for name in "abc"]


def visible_rows(page: Page) -> list[str]:
    rows = page.locator(".medium").filter(visible=True)
    return [legend.removeprefix("Image or video ") for legend in rows.locator("legend").all_inner_texts()]


def link(page: Page, number: int) -> str:
    return "#id_media_url" if number == 1 else f"#id_media_url-{number}"


def test_rows_appear_one_at_a_time_on_a_phone(open_admin: OpenAdmin, scene: Scene) -> None:
    page = open_admin(scene.person, phone=True)
    page.goto(ADD)
    assert visible_rows(page) == []
    page.get_by_text("More images or videos").click()
    assert visible_rows(page) == ["2"]
    height = page.evaluate("document.documentElement.scrollHeight")
    add = page.get_by_role("button", name="Add media")
    add.click()
    assert visible_rows(page) == ["2", "3"]
    expect(page.locator(link(page, 3))).to_be_focused()
    page.locator(link(page, 1)).fill(URLS[0])
    page.locator(link(page, 3)).fill(URLS[1])
    assert visible_rows(page) == ["1", "2", "3"]
    for _ in range(7):
        add.click()
    assert visible_rows(page) == [str(number) for number in range(1, 11)]
    expect(add).to_be_hidden()
    assert AccessibilityChecker().violations(page) == []
    assert height < 3000 < page.evaluate("document.documentElement.scrollHeight")

    page.locator(link(page, 4)).fill(URLS[2])
    page.locator("#id_position-4").fill("1")
    page.locator("#id_position-1").fill("4")
    page.get_by_role("button", name="Save as draft").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    post = ScheduledPost.objects.get(media_items__media=URLS[0])
    assert [item.media for item in post.items] == [URLS[2], URLS[1], URLS[0]]

    page.goto(f"{POSTS}{post.pk}/change/")
    assert visible_rows(page) == ["1", "2", "3"]
    page.locator(link(page, 3)).fill("ftp://example.com/b.jpg")
    page.get_by_role("button", name="Save and submit for approval").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    assert visible_rows(page) == ["1", "2", "3"]


def test_rows_with_what_was_typed_before_are_shown(open_admin: OpenAdmin, scene: Scene) -> None:
    page = open_admin(scene.person)
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(ADD)
    page.get_by_text("More images or videos").click()
    page.get_by_role("button", name="Add media").click()
    page.locator("#id_alt_text-3").fill("Figs on a plate")
    page.goto("/admin/account/")
    page.goto(ADD)
    expect(page.get_by_text("is back; it is not saved yet")).to_be_visible()
    expect(page.locator("#id_alt_text-3")).to_be_visible()
    assert visible_rows(page) == ["1", "2", "3"]


def test_all_rows_are_shown_without_the_script(open_admin: OpenAdmin, scene: Scene) -> None:
    page = open_admin(scene.person, java_script_enabled=False)
    page.goto(ADD)
    page.get_by_text("More images or videos").click()
    assert visible_rows(page) == [str(number) for number in range(1, 11)]
    expect(page.get_by_role("button", name="Add media")).to_have_count(0)
