"""A published post's comments, read from the platform at each call and never from a copy."""

import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from accounts import encryption
from posts.domain.channels import graph_account
from posts.graph import comments
from posts.graph.comments import Comment, CommentPosition
from posts.graph.cursor_reader import EdgePosition
from posts.models import Channel

REMEMBERED = 20_000  # ids
SECONDS = 20.0  # after which a page is returned incomplete


class UnknownCursor(ValueError):
    """The cursor cannot be decrypted, or belongs to another post, channel or organization."""


@dataclass(frozen=True)
class CommentPage:
    """`next_cursor` continues after these comments; None: there are no more."""

    items: list[Comment]
    next_cursor: str | None


def read_page(channel: Channel, post_id: str, *, limit: int, cursor: str | None = None) -> CommentPage:
    """Return up to `limit` comments after `cursor`, fewer when reading them takes too long.

    Comments that are written or deleted between two pages do not hide others; one may be returned twice. Raises
    UnknownCursor, and GraphErrors.
    """
    size = min(limit, comments.LARGEST)
    start = _decrypt_cursor(cursor, channel, post_id) if cursor else CommentPosition(EdgePosition(size=size))
    by_id: dict[str, Comment] = {}
    after: CommentPosition | None = None
    until = time.monotonic() + SECONDS
    for comment, after in comments.ThreadReader(graph_account(channel), post_id).read(start):  # noqa: B007
        by_id.setdefault(comment.id, comment)
        if len(by_id) == limit or time.monotonic() > until:
            break
    else:
        after = None
    return CommentPage(list(by_id.values()), _encrypt_cursor(after, channel, post_id) if after else None)


def iter_comments(channel: Channel, post_id: str) -> Iterator[list[Comment]]:
    """Yield all comments and replies, each once: on Facebook oldest first, on Instagram in the order of the pages.

    Each list has the comments that are known without another call to the platform; it may be empty. Pages overlap by a
    few comments when others are deleted during the reading; a comment repeated within the last REMEMBERED is skipped.
    Memory does not grow with the number of comments. Raises GraphErrors, also in the middle.
    """
    recent: OrderedDict[str, None] = OrderedDict()
    for known in comments.every(graph_account(channel), post_id):
        new = []
        for comment in known:
            if comment.id not in recent:
                recent[comment.id] = None
                new.append(comment)
        while len(recent) > REMEMBERED:
            recent.popitem(last=False)
        yield new


def _encrypt_cursor(position: CommentPosition, channel: Channel, post_id: str) -> str:
    # Encrypted and not only signed: it contains the platform's cursors, whose content is unknown to us.
    return encryption.encrypt(json.dumps([_binding(channel, post_id), asdict(position)]))


def _decrypt_cursor(cursor: str, channel: Channel, post_id: str) -> CommentPosition:
    try:
        binding, position = json.loads(encryption.decrypt(cursor))
    except (encryption.InvalidToken, ValueError):
        raise UnknownCursor from None
    if binding != _binding(channel, post_id):
        raise UnknownCursor
    inside = position["inside"]
    return CommentPosition(_edge_position(position["top"]), _edge_position(inside) if inside else None)


def _edge_position(values: dict[str, object]) -> EdgePosition:
    return EdgePosition(**{**values, "cursors": tuple(values["cursors"]), "same": tuple(values["same"])})  # type: ignore[arg-type]


def _binding(channel: Channel, post_id: str) -> str:
    """Return a hash of what the cursor is valid for."""
    scope = json.dumps(["comments", channel.organization_id, channel.public_id, post_id], default=str)
    return hashlib.sha256(scope.encode()).hexdigest()[:32]
