"""Word diffs: correct, and fast for any text from a client."""

import time

import pytest

from scheduling.admin.diff import DiffSegment, word_diff

HOSTILE = [
    ("a " * 2500, "a b " * 1250),
    ("b " + "a " * 198 + "b", "c " + "a c " * 99 + "d"),
    ("x\n" * 30_000, "y " * 30_000),
    ("a " * 31_000, "c " + "a b " * 15_000 + "d"),
]


def test_word_diff_marks_removed_and_added_words() -> None:
    assert word_diff("Open from seven today", "Open from eight today") == [
        DiffSegment("same", "Open from "),
        DiffSegment("removed", "seven "),
        DiffSegment("added", "eight "),
        DiffSegment("same", "today"),
    ]


def test_word_diff_finds_one_word_in_a_long_text() -> None:
    around = "and so on " * 5000
    segments = word_diff(f"{around}before {around}", f"{around}after {around}")
    assert segments == [
        DiffSegment("same", around),
        DiffSegment("removed", "before "),
        DiffSegment("added", "after "),
        DiffSegment("same", around),
    ]


@pytest.mark.parametrize(("before", "after"), HOSTILE)
def test_word_diff_of_hostile_texts_is_fast(before: str, after: str) -> None:
    began = time.process_time()
    segments = word_diff(before, after)
    assert time.process_time() - began < 2
    assert "".join(segment.text for segment in segments if segment.kind != "added") == before
    assert "".join(segment.text for segment in segments if segment.kind != "removed") == after
