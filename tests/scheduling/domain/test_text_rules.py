"""Controls, invisible characters, captions that show nothing, look-alike hosts (A17); counting (M6)."""

# ruff: noqa: RUF001  look-alike letters are what these tests are about

import json
import time
from pathlib import Path
from typing import Any

import pytest

from scheduling.domain.text_rules import (
    ascii_host,
    control_characters,
    count_hashtags,
    count_mentions,
    invisible_characters,
    is_visible,
    mixed_scripts,
    unicode_host,
)

COUNTING = json.loads(Path("tests/vectors/counting.json").read_text(encoding="utf-8"))
CONTROLS = [chr(point) for point in (*range(0x20), *range(0x7F, 0xA0)) if chr(point) not in "\t\n"]
TAGS = "".join(chr(0xE0000 + ord(letter)) for letter in "ignore the above")


@pytest.mark.parametrize("character", CONTROLS, ids=ascii)
def test_each_control_is_found_a17(character: str) -> None:
    (found,) = control_characters(f"a\tb\r\nc\n{character}d")
    assert (found.position, found.character, found.code) == (7, character, f"U+{ord(character):04X}")
    assert invisible_characters(f"a\tb\r\nc\n{character}d") == [found]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("10\u202e00 €", ["U+202E"]),
        ("\u2066a\u2069", ["U+2066", "U+2069"]),
        ("a\u200bb\u200cc\u200dd\u200ee\u200ff", ["U+200B", "U+200C", "U+200D", "U+200E", "U+200F"]),
        ("\ufeffOlá", ["U+FEFF"]),
        ("one\u2028two\u2029", ["U+2028", "U+2029"]),
        ("soft\u00adhyphen", ["U+00AD"]),
        ("\u3164\u2800\u115f\u1160\uffa0", ["U+3164", "U+2800", "U+115F", "U+1160", "U+FFA0"]),
        ("a\ufe0f \ufe0f", ["U+FE0F", "U+FE0F"]),
        ("🌊" + TAGS[:3], ["U+E0069", "U+E0067", "U+E006E"]),
        ("🏴" + TAGS[:1] + "\U000e007f", ["U+E0069", "U+E007F"]),
        ("\U000e0100a", ["U+E0100"]),
        ("\ufffe\ufdd0\U0010ffff", ["U+FFFE", "U+FDD0", "U+10FFFF"]),
        ("\ud800", ["U+D800"]),
        ("می\u200c", ["U+200C"]),
        ("🙂\u200d", ["U+200D"]),
        ("…\u200d…", ["U+200D"]),
        ("“Oi”\ufe0e", ["U+FE0E"]),
        ("€\ufe0e5", ["U+FE0E"]),
        ("\U00013441\U00013442", ["U+13441", "U+13442"]),
    ],
)
def test_invisible_characters_are_found_a17(text: str, codes: list[str]) -> None:
    assert [found.code for found in invisible_characters(text)] == codes


@pytest.mark.parametrize(
    "text",
    [
        "Olá, como está?\n\n\tBem.", "Não\u00a0há — 10\u202f€", "❤️ ☎︎ ©️ ℹ️ ‼️ ⁉️ 〰️ ™️ ↔️ ◽️", "1️⃣ #️⃣ *️⃣",
        "👩‍👩‍👧 ❤️‍🔥 🏳️‍🌈 👩🏽‍🚀 🙂‍↔️",
        "🏴󠁧󠁢󠁥󠁮󠁧󠁿 🏴󠁧󠁢󠁳󠁣󠁴󠁿 🏴󠁧󠁢󠁷󠁬󠁳󠁿 🇵🇹", "می‌خواهم", "क्‍ष", "日本語", "\u0600\u06dd", "\U0001fae8",
    ],
)  # fmt: skip
def test_what_belongs_to_the_writing_is_not_reported_a17(text: str) -> None:
    assert invisible_characters(text) == []


@pytest.mark.parametrize(
    "text",
    ["", " \n\t\u00a0\u3000", "\u200b", "\u3164", "\u2800", "\ufe0f", "\u200b \u3164\n\u2800\ufe0f", "\u202e", TAGS,
     "\u00ad\u034f\u115f\u1160\uffa0\ufeff\u2060\u180e", "\u0301\u20e3", "\U000e0100", "\ufffe", "\x07", "\u2028",
     "\U00013441\U00013442"],
)  # fmt: skip
def test_text_without_a_visible_character_is_not_visible_a17(text: str) -> None:
    assert not is_visible(text)
    assert is_visible(f"{text}a")


@pytest.mark.parametrize("text", [".", "🌊", "本", "ক", "\U0001fae8", "\u0600", "\ue000", "é", "❤️"])
def test_any_visible_character_is_visible_a17(text: str) -> None:
    assert is_visible(text)


@pytest.mark.parametrize(
    ("host", "scripts", "looked_up"),
    [
        ("www.аррӏе.com", ["Cyrillic", "Latin"], "www.xn--80ak6aa92e.com"),
        ("www.xn--80ak6aa92e.com", ["Cyrillic", "Latin"], "www.xn--80ak6aa92e.com"),
        ("pаypal.com", ["Cyrillic", "Latin"], "xn--pypal-4ve.com"),
        ("οοο.pt", ["Greek", "Latin"], "xn--0xaaa.pt"),
        ("пример.рф", [], "xn--e1afmkfd.xn--p1ai"),
        ("café.pt", [], "xn--caf-dma.pt"),
        ("straße.de", [], "xn--strae-oqa.de"),
        ("Casa-do-Sol2.PT", [], "casa-do-sol2.pt"),
        ("ｅｘａｍｐｌｅ。com", [], "example.com"),
        ("日本のラーメン", [], "xn--u9j0mxa5b3bz719co4b"),
    ],
)
def test_hosts_of_mixed_scripts_are_named_and_looked_up_in_ascii_a17(
    host: str, scripts: list[str], looked_up: str
) -> None:
    assert (mixed_scripts(host), ascii_host(host)) == (scripts, looked_up)


def test_labels_that_are_no_punycode_stay_a17() -> None:
    assert [unicode_host(host) for host in ("xn--80ak6aa92e.com", "xn--999999999.pt")] == [
        "аррӏе.com",
        "xn--999999999.pt",
    ]


@pytest.mark.parametrize("vector", COUNTING, ids=lambda vector: ascii(vector["text"])[:40])
def test_hashtags_and_mentions_are_counted_by_the_vectors_m6(vector: dict[str, Any]) -> None:
    counts = {"hashtags": count_hashtags(vector["text"]), "mentions": count_mentions(vector["text"])}
    assert counts == {"hashtags": vector["hashtags"], "mentions": vector["mentions"]}


@pytest.mark.parametrize("part", ["a", "a.", "a@", "#", "a-", "www.", "http://", "a.b/", "x@y."])
def test_counting_takes_linear_time_m6(part: str) -> None:
    started = time.perf_counter()
    count_hashtags(part * 60_000)
    assert time.perf_counter() - started < 5
