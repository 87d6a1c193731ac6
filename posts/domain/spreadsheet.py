"""Comments as CSV that a spreadsheet opens right and runs nothing of: UTF-8 with a BOM, commas, CRLF."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from datetime import UTC

from posts.graph.comments import Comment

COLUMNS = ("id", "parent_id", "created_at", "author_id", "author_name", "text", "likes", "replies", "hidden")
BOM = "\ufeff"
CHUNK = 8 * 1024  # characters that are sent together
PIECE = 64 * 1024  # bytes of the largest piece
# Blanks, controls and marks that cannot be seen do not keep a spreadsheet from seeing a formula behind them.
UNSEEN = r"[\s\x00-\x20\u00a0\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]*"
FORMULA = re.compile(rf"{UNSEEN}[=+\-@\uff1d\uff0b\uff0d\uff20\t\r]")
# Where semicolons or tabs part cells (much of Europe), or quotes are not heeded, a cell can begin inside a text. There
# only what could run is defused, so that lists and mentions on lines of their own stay as they were written.
# A match takes the whole run of what cannot be seen, formula behind it or not: so the time stays linear.
INNER = re.compile(rf"[;\t\r\n]{UNSEEN}+(?P<runs>(?==|[+\-@][^\s;(|]*[(|]))?")


def pieces(comments: Iterable[Comment]) -> Iterator[bytes]:
    """Yield the file in pieces, the first as soon as the first comment is there, or none is."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    text.write(BOM)
    writer.writerow(COLUMNS)
    # The header waits for the first comment: what fails before that is answered otherwise.
    for comment in comments:
        writer.writerow(cells(comment))
        if text.tell() >= CHUNK:
            yield from _emptied(text)
    yield from _emptied(text)


def cells(comment: Comment) -> list[str]:
    """Return the comment's row. Unknown is an empty cell."""
    author, at = comment.author, comment.created_at
    return [
        defused(comment.id),
        defused(comment.parent_id or ""),
        at.astimezone(UTC).isoformat("T", "milliseconds")[:-6] + "Z" if at else "",
        defused((author and author.id) or ""),
        defused((author and author.name) or ""),
        defused(comment.text),
        "" if comment.likes is None else str(comment.likes),
        "" if comment.replies is None else str(comment.replies),
        "" if comment.hidden is None else str(comment.hidden).lower(),
    ]


def defused(text: str) -> str:
    """Return the text with an apostrophe before whatever a spreadsheet would run, and else as it was written.

    A NUL, at which spreadsheets would cut the text off, becomes its visible symbol.
    """
    if text.isalnum():
        return text
    start = "'" if FORMULA.match(text) else ""
    return start + INNER.sub(_stopped, text).replace("\x00", "\u2400")


def _stopped(found: re.Match[str]) -> str:
    return f"{found[0]}'" if found["runs"] is not None else found[0]


def _emptied(text: io.StringIO) -> Iterator[bytes]:
    written = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    for start in range(0, len(written), PIECE):
        yield written[start : start + PIECE]
