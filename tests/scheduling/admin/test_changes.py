"""Differences in words: right, and quick whatever a client wrote."""

import time

import pytest

from scheduling.admin.diff import DiffSegment, word_diff

HOSTILE = [
    ("a " * 2500, "a b " * 1250),
    ("b " + "a " * 198 + "b", "c " + "a c " * 99 + "d"),
    ("x\n" * 30_000, "y " * 30_000),
    ("a " * 31_000, "c " + "a b " * 15_000 + "d"),
]


def test_words_that_stayed_went_and_came_are_told_apart() -> None:
    assert word_diff("Open from seven today", "Open from eight today") == [
        DiffSegment("same", "Open from "),
        DiffSegment("gone", "seven "),
        DiffSegment("new", "eight "),
        DiffSegment("same", "today"),
    ]


def test_one_word_in_a_long_text_is_found() -> None:
    around = "and so on " * 5000
    pieces = word_diff(f"{around}before {around}", f"{around}after {around}")
    assert pieces == [
        DiffSegment("same", around),
        DiffSegment("gone", "before "),
        DiffSegment("new", "after "),
        DiffSegment("same", around),
    ]


@pytest.mark.parametrize(("before", "after"), HOSTILE)
def test_no_pair_of_texts_keeps_the_page_waiting(before: str, after: str) -> None:
    began = time.process_time()
    pieces = word_diff(before, after)
    assert time.process_time() - began < 2
    assert "".join(piece.text for piece in pieces if piece.kind != "new") == before
    assert "".join(piece.text for piece in pieces if piece.kind != "gone") == after
