"""Comments as CSV: opened right, run never, read back as they were written."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest

from posts.domain.comment_export import BUFFER, COLUMNS, MAX_CHUNK, csv_chunks, escape_formula
from posts.graph.comments import Author, Comment


def comment(text: str = "Olá", **more: Any) -> Comment:
    at = datetime(2026, 7, 1, 13, 0, 0, 999, tzinfo=UTC)
    fields = {"parent_id": None, "created_at": at, "author": None, "likes": None, "replies": None, "hidden": None}
    return Comment(**{"id": "1_2", "text": text, **fields, **more})


def rows(*comments: Comment) -> list[list[str]]:
    whole = b"".join(csv_chunks([list(comments)]))
    return list(csv.reader(io.StringIO(whole.decode("utf-8-sig"), newline="")))


def test_the_columns_and_a_row() -> None:
    full = comment("Olá 👋", parent_id="1_1", author=Author("69", "Maria"), likes=3, replies=0, hidden=False)
    assert rows(full) == [
        ["id", "parent_id", "created_at", "author_id", "author_name", "text", "likes", "replies", "hidden"],
        ["1_2", "1_1", "2026-07-01T13:00:00.000Z", "69", "Maria", "Olá 👋", "3", "0", "false"],
    ]


def test_what_is_unknown_is_empty() -> None:
    unknown = comment("", created_at=None, author=Author(None, "maria"))
    assert rows(unknown)[1] == ["1_2", "", "", "", "maria", "", "", "", ""]


def test_the_bytes_begin_with_the_mark_of_utf_8_and_lines_end_as_in_rfc_4180() -> None:
    whole = b"".join(csv_chunks([[comment()]]))
    assert whole.startswith(b"\xef\xbb\xbfid,parent_id,")
    assert whole.endswith(b"\r\n")
    assert whole.count(b"\r\n") == 2


def test_no_comments_make_a_header() -> None:
    assert rows() == [list(COLUMNS)]


@pytest.mark.parametrize(
    "text",
    [
        "=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", " =1", "\n=1", "\u200b=1", "\ufeff=1", "\u202e=1", "\u00a0=1",
        "\uff1d1", "=cmd|' /C calc'!A0", "@maria", "-", "\x00=1", "\x01=1",
    ],
)  # fmt: skip
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    [_, row] = rows(comment(text))
    assert row[5].startswith("'")
    assert row[5].replace("'", "") == text.replace("'", "").replace("\x00", "␀")


def test_every_cell_of_text_is_defused() -> None:
    [_, row] = rows(comment(author=Author("=1", "=HYPERLINK(1)"), id="=2", parent_id="+3"))
    assert [row[0], row[1], row[3], row[4]] == ["'=2", "'+3", "'=1", "'=HYPERLINK(1)"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nice;=1+1", "nice;'=1+1"),
        ("nice\n=1+1", "nice\n'=1+1"),
        ("nice\t +cmd|'/C calc'!A0", "nice\t '+cmd|'/C calc'!A0"),
        ("nice; @SUM(1)", "nice; '@SUM(1)"),
    ],
)
def test_formula_after_another_separator_is_escaped(text: str, expected: str) -> None:
    assert rows(comment(text))[1][5] == expected


@pytest.mark.parametrize(
    "text",
    [
        "a - b", "2+2=4", "line one\n- a list\n- (of two)", "thanks\n@maria", ";-)", "a\tb", 'wrote "=1", twice',
        "comma, \"quote\"; semicolon", "\u202eright to left\u202c", "שלום, עולם", "👨‍👩‍👧", "'", "a\r\nb", "e\u0301",
    ],
)  # fmt: skip
def test_other_texts_are_unchanged(text: str) -> None:
    assert rows(comment(text))[1][5] == text


def test_long_text_is_split_into_chunks() -> None:
    text = "é=+\n" * 100_000
    sent = list(csv_chunks([[comment(text)]]))
    assert max(len(piece) for piece in sent) == MAX_CHUNK
    csv.field_size_limit(20_000_000)
    [_, row] = csv.reader(io.StringIO(b"".join(sent).decode("utf-8-sig"), newline=""))
    assert row[5] == text


def test_the_first_chunk_is_the_first_page_p2() -> None:
    taken = []

    def many() -> Any:
        for number in range(10_000):
            taken.append(number)
            yield [comment()]

    chunks = csv_chunks(many())
    assert next(chunks).count(b"\r\n") == 2
    assert taken == [0]
    assert len(next(chunks)) >= BUFFER
    assert len(taken) < 500


def test_escape_formula_takes_linear_time() -> None:
    import time

    began = time.monotonic()
    for text in ("+" * 200_000, ";" + "+" * 200_000, "\n " * 100_000, "\t" * 200_000, ";+a" * 70_000):
        escape_formula(text)
    assert time.monotonic() - began < 30  # quadratic time takes minutes
