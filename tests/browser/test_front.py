"""The front page's charts: drawn under the strict policy, in the colours of the theme, and told in words beside."""

import pytest
from playwright.sync_api import Page, expect

from posts.models import PublishedPost
from tests.browser.conftest import Desk
from tests.browser.sample_data import Scene
from tests.services.processes import eventually

# How many pixels of a chart's canvas are of a colour that is not grey, and the sum of all: a drawing's fingerprint.
DRAWN = """canvas => {
  const seen = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let coloured = 0, sum = 0;
  for (let at = 0; at < seen.length; at += 4) {
    if (seen[at + 3] && Math.max(...seen.slice(at, at + 3)) - Math.min(...seen.slice(at, at + 3)) > 60) coloured += 1;
    sum += seen[at] + seen[at + 1] + seen[at + 2] + seen[at + 3];
  }
  return [coloured, sum];
}"""


def drawn(page: Page) -> list[list[int]]:
    canvases = page.locator(".drawing canvas")
    expect(canvases).to_have_count(3)
    return [canvas.evaluate(DRAWN) for canvas in canvases.all()]


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_the_charts_are_drawn_and_follow_the_theme(phone: bool, desk: Desk, scene: Scene) -> None:
    PublishedPost.objects.update(likes=48, comments=7, shares=3)
    page = desk(scene.person, phone=phone)
    page.goto("/admin/")
    # A chart is drawn when the browser comes to it: once the page is there, and again once the theme has changed.
    eventually(lambda: all(coloured > 20 for coloured, _ in drawn(page)), what="three drawings in colour")
    light = drawn(page)
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html")).to_have_css("color-scheme", "dark")
    eventually(
        lambda: all(one[1] != other[1] for one, other in zip(light, drawn(page), strict=True)), what="drawn anew"
    )
    numbers = page.locator("details", has_text="The numbers").first
    numbers.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(numbers.get_by_role("columnheader", name="Published")).to_be_visible()
