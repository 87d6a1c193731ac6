"""Texts of authors on pages: invisible characters, empty lines and look-alike hosts are visible (A17)."""

from typing import Any

import pytest

from accounts.models import User
from posts.models import Channel
from scheduling.admin.diff import describe_changes
from scheduling.domain.drafts import ChannelText
from scheduling.domain.preflight.checks import run_checks
from scheduling.models import ScheduledPost
from scheduling.templatetags.visible_text import visible, visible_caption, visible_value
from tests.helpers import AdminClient
from tests.shown_text import compact, shown_text

APPLE = "\u0430\u0440\u0440\u04cf\u0435.com"  # Cyrillic letters
INVISIBLE = (
    "\u202e", "\u2066", "\u2067", "\u2068", "\u2069", "\u200b", "\u200c", "\u200d", "\u200e", "\u200f", "\ufeff",
    "\u2028", "\u2029", "\x01", "\x1b", "\x7f", "\x85", "\u00ad", "\u3164", "\u2800", "\U000e0041",
)  # fmt: skip


@pytest.mark.parametrize("character", INVISIBLE, ids=lambda character: f"U+{ord(character):04X}")
def test_invisible_character_is_a_symbol_with_its_name_a17(character: str) -> None:
    html = visible_caption(f"pay{character}{character} #tag{character}now")
    assert character not in html
    assert html.count(f">U+{ord(character):04X}") == 2
    assert f"U+{ord(character):04X} \u00d72<" in html
    assert f"(U+{ord(character):04X})" in html
    assert shown_text(html) == compact(f"pay{character}{character} #tag{character}now")


@pytest.mark.parametrize(
    "text",
    [
        "\u2764\ufe0f \U0001f468\u200d\U0001f469\u200d\U0001f467 1\ufe0f\u20e3",
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "Ol\u00e1\n\n\n\tBom dia\u00a0!",
    ],
)
def test_ordinary_text_is_shown_as_it_is(text: str) -> None:
    assert visible_caption(text) == text


def test_host_in_another_script_has_its_ascii_form_beside_it_a17() -> None:
    for text in (f"See https://www.{APPLE}/id now", f"See www.{APPLE} now", f"See {APPLE}/x now"):
        for html in (visible(text), visible_caption(text)):
            assert "xn--80ak6aa92e.com</bdi>" in html, text
            assert shown_text(html) == compact(text)
    assert ">evil.example</bdi>" in visible("https://www.facebook.com@evil.example/login")
    assert "real-host" not in visible("https://www.facebook.com/login and Ol\u00e1.Bom dia, ana@x.pt")
    assert "xn--80ak6aa92e.com</bdi>" in visible_value(f"https://{APPLE}/")
    assert visible_value("javascript:alert(1)") == "javascript:alert(1)"


def test_long_runs_of_empty_lines_and_spaces_are_counted_a6() -> None:
    assert visible("a" + "\n" * 201 + "b") == 'a<span class="hidden-lines">200 empty lines</span>b'
    assert visible("a" + "\n \t\u00a0" * 6 + "\nb") == 'a<span class="hidden-lines">6 empty lines</span>b'
    assert visible("a" + "\u3000" * 40 + "b") == 'a<span class="hidden-spaces">40 spaces</span>b'
    assert visible("a\n\n\nb") == "a\n\n\nb"


@pytest.mark.parametrize("unit", ["\u200b", "a\u200b", " ", "\n ", "a.", "#a ", "https://\u0430 ", "-a", "@"])
def test_hostile_text_is_rendered_in_linear_time(unit: str) -> None:
    """A rule that backtracks would need minutes for one of these."""
    assert visible_caption((unit * 63_206)[:63_206])


def test_difference_shows_invisible_characters_a17() -> None:
    path = ["channels", "FB_PAGE_1", "caption"]
    differences: Any = [{"path": path, "before": "Pay Ana", "after": "Pay \u202eAna"}]
    (change,) = describe_changes(differences, names={}, zone=None)  # type: ignore[arg-type]
    added = [visible(segment.text) for segment in change.segments if segment.kind == "added"]
    assert len(added) == 1
    assert 'title="RIGHT-TO-LEFT OVERRIDE (U+202E)"' in added[0]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"name": "G", "active": True}, {"name": "G"}),
        ({"x": 1}, {"x": True}),
        ({"conditionGroups": [{"probability": 1}]}, {"conditionGroups": [{"probability": 0.5}]}),
        ({"name": "G"}, {"name": "G", "x": {"y": ["https://phish.example/"]}}),
        ({"name": "G"}, ["G"]),
    ],
)
def test_difference_shows_each_change_of_a_superpower_a4(before: Any, after: Any) -> None:
    differences: Any = [{"path": ["channels", "FB_PAGE_1", "superpower"], "before": before, "after": after}]
    (change,) = describe_changes(differences, names={}, zone=None)  # type: ignore[arg-type]
    assert {segment.kind for segment in change.segments} & {"added", "removed"}


@pytest.mark.parametrize(
    ("caption", "superpower", "warning"),
    [
        ("Pay \u202eAna", None, "the caption contains characters that are not seen: RIGHT-TO-LEFT OVERRIDE (U+202E)."),
        (f"Go to https://www.{APPLE}/", None, f"mixes scripts that look alike within a word or host: www.{APPLE}."),
        ("Sign in to P\u0430ypal", None, "mixes scripts that look alike within a word or host: P\u0430ypal."),
        ("Ol\u00e1", {"name": "a\u200bb"}, "the superpower contains characters that are not seen: ZERO WIDTH SPACE"),
        ("\u2764\ufe0f T\u30b7\u30e3\u30c4 10 \u00b5m caf\u00e9.pt \u041c\u043e\u0441\u043a\u0432\u0430", None, ""),
    ],
)
def test_misleading_characters_are_a_warning_a17(
    caption: str, superpower: Any, warning: str, make_draft, reviewer: User, facebook: Channel
) -> None:
    post = make_draft(channels={facebook.public_id: ChannelText(facebook.type, caption, None)})
    post.deliveries.update(superpower=superpower)
    checks = run_checks(list(ScheduledPost.objects.for_wire().filter(pk=post.pk)), None)[post.pk]
    found = [check for check in checks if check.name == "caption.characters"]
    assert [check.level for check in found] == (["warn"] if warning else [])
    assert all(warning in check.words for check in found)
    html = AdminClient(reviewer).review(post).answer.content.decode()
    assert "\u202e" not in html.partition("</title>")[2]
