"""The live counter below the captions of the post form."""

import json
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import OpenAdmin
from tests.browser.sample_data import Scene
from tests.helpers import POSTS

COUNTING = json.loads(Path("tests/vectors/counting.json").read_text(encoding="utf-8"))
COUNT_ALL = """(area, texts) => texts.map((text) => {
  area.value = text;
  area.dispatchEvent(new Event("input"));
  return area.nextElementSibling.textContent;
})"""


def counts(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def test_hashtags_and_mentions_are_counted_by_the_vectors_m6(open_admin: OpenAdmin, scene: Scene) -> None:
    page = open_admin(scene.person)
    page.goto(f"{POSTS}add/")
    area = page.locator(".channel textarea").first
    page.locator(".channel input[type=checkbox]").first.check()
    area.fill("#água @casa")
    expect(page.locator(".channel .count").first).to_have_text("11 characters, 1 hashtag, 1 mention")
    expected = [
        f"{counts(len(item['text']), 'character')}, {counts(item['hashtags'], 'hashtag')}, "
        f"{counts(item['mentions'], 'mention')}"
        for item in COUNTING
    ]
    shown = area.evaluate(COUNT_ALL, [item["text"] for item in COUNTING])
    assert list(zip([item["text"] for item in COUNTING], shown, strict=True)) == list(
        zip([item["text"] for item in COUNTING], expected, strict=True)
    )
