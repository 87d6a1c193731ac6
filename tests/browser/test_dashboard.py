"""The charts of the dashboard: drawn under the policy in the theme's colours, with a table beside."""

import pytest
from playwright.sync_api import Page, expect

from posts.models import PublishedPost
from tests.browser.conftest import OpenAdmin
from tests.browser.sample_data import Scene
from tests.services.processes import eventually

# Returns the number of non-grey pixels of a canvas, and the sum of all pixel values as a fingerprint.
FINGERPRINT = """canvas => {
  const seen = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let coloured = 0, sum = 0;
  for (let at = 0; at < seen.length; at += 4) {
    if (seen[at + 3] && Math.max(...seen.slice(at, at + 3)) - Math.min(...seen.slice(at, at + 3)) > 60) coloured += 1;
    sum += seen[at] + seen[at + 1] + seen[at + 2] + seen[at + 3];
  }
  return [coloured, sum];
}"""


def fingerprints(page: Page) -> list[list[int]]:
    canvases = page.locator(".drawing canvas")
    expect(canvases).to_have_count(3)
    return [canvas.evaluate(FINGERPRINT) for canvas in canvases.all()]


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_the_charts_are_drawn_and_follow_the_theme(phone: bool, open_admin: OpenAdmin, scene: Scene) -> None:
    PublishedPost.objects.update(likes=48, comments=7, shares=3)
    page = open_admin(scene.person, phone=phone)
    page.goto("/admin/")
    # Charts are drawn asynchronously after load and after a change of the theme.
    eventually(lambda: all(coloured > 20 for coloured, _ in fingerprints(page)), what="three drawings in colour")
    light = fingerprints(page)
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html")).to_have_css("color-scheme", "dark")
    eventually(
        lambda: all(before[1] != after[1] for before, after in zip(light, fingerprints(page), strict=True)),
        what="redrawn",
    )
    table = page.locator("details", has_text="Show as a table").first
    table.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(table.get_by_role("columnheader", name="Published")).to_be_visible()
