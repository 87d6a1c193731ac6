"""The sandbox's state: one lock, one table of nodes, one journal. Callers hold `lock` while they read or change it."""

import itertools
import os
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any, TypeVar

from dynamo.sandbox.journal import Journal
from dynamo.sandbox.nodes import Account, Audience, Comment, Container, Node, Post
from dynamo.sandbox.seeding import FIRST_SLOT, born_with
from dynamo.sandbox.shelf import Shelf

N = TypeVar("N", bound=Node)

CLOCK_FILE = os.environ.get("DYNAMO_CLOCK_FILE")


def now() -> float:
    """Return the current instant in seconds since the epoch.

    `DYNAMO_CLOCK_FILE` names a file that holds a number of seconds to add to the system clock. It has the same meaning
    as for the application, so that a fault run moves both clocks; the code is copied because the sandbox imports
    no production code.
    """
    if not CLOCK_FILE:
        return time.time()
    try:
        return time.time() + float(Path(CLOCK_FILE).read_text(encoding="ascii") or 0)
    except (OSError, ValueError):
        return time.time()


class State:
    def __init__(self, folder: Path | None) -> None:
        self.lock = threading.RLock()
        self.shelf = Shelf(folder)
        self.journal = Journal(folder)
        self.uploads: dict[str, bytearray] = {}
        self._forget()
        # The first line of an id says when it came, the last one what became of it.
        for node in {node.id: node for node in self.journal.load()}.values():
            self._take_in(node)

    def _forget(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.posts: dict[str, list[Post]] = {}
        self.foreign: dict[str, list[Post]] = {}
        self.seeded: list[Post] = []
        self._timelines: dict[str, list[Post]] = {}
        self.counted: dict[str, Any] = {}  # by post, since the last change
        self.containers: dict[str, list[Container]] = {}
        self.comments: dict[str, list[Comment]] = {}
        self.audiences: dict[str, Audience] = {}
        self.slots: dict[int, Audience] = {}
        self.tokens: dict[str, str] = {}
        self.calls: Counter[str] = Counter()
        self._serial = itertools.count(1)
        self._numbers: set[str] = set()
        self.uploads.clear()

    def reset(self) -> None:
        """Forget everything, the journal included."""
        self._forget()
        self.journal.clear()

    def _take_in(self, node: Node) -> None:
        known = self.nodes.get(node.id)
        if isinstance(known, Account):
            self.tokens.pop(known.token, None)
        self.nodes[node.id] = node
        self._numbers.add(node.id.rpartition("_")[2])
        if isinstance(node, Account):
            self.tokens[node.token] = node.id
        elif isinstance(node, Post):
            self._timelines.pop(node.account, None)
            if known is None:
                (self.foreign if node.foreign else self.posts).setdefault(node.account, []).append(node)
            if node.slot == FIRST_SLOT + len(self.seeded):
                self.seeded.append(node)
        elif known is None and isinstance(node, Container):
            self.containers.setdefault(node.account, []).append(node)
        elif known is None and isinstance(node, Comment):
            self.comments.setdefault(node.post, []).append(node)
        elif isinstance(node, Audience):
            self.audiences[node.post] = self.slots[node.slot] = node

    def put(self, node: N) -> N:
        """Remember a new node, or the change of a known one; the journal has it before the answer goes out."""
        self._take_in(node)
        self.counted.clear()
        self.journal.append(node)
        return node

    def find(self, node_id: str) -> Node | None:
        """Return the node unless it is unknown or deleted."""
        node = self.nodes.get(node_id)
        return None if getattr(node, "deleted_at", None) is not None else node

    def audience(self, post: Post) -> Audience:
        """Return what people did with the post, a blank sheet when nothing was ordered; `put` keeps what is changed."""
        known = self.audiences.get(post.id)
        if known is not None:
            return known
        return born_with(post) if post.slot else Audience(f"audience:{post.id}", post.id, post.account, len(self.slots))

    def post_of_slot(self, slot: int) -> str:
        """Return the id of the post whose comments carry this number; empty when there is none."""
        if slot in self.slots:
            return self.slots[slot].post
        return self.seeded[slot - FIRST_SLOT].id if 0 <= slot - FIRST_SLOT < len(self.seeded) else ""

    def mint(self, prefix: str, digits: int) -> str:
        """Return an id that is not taken, nor part of one: the prefix and `digits` digits that look like no counter."""
        space = 10**digits
        for serial in self._serial:
            number = f"{prefix}{(serial * 61_803_398_873 + 1_414_213_562) % space:0{digits}d}"
            if number not in self._numbers:
                return number
        raise AssertionError("a counter has no end")

    def account(self, account_id: str) -> Account:
        node = self.nodes[account_id]
        assert isinstance(node, Account)  # noqa: S101  ids of accounts come from the token table
        return node

    def accounts(self) -> list[Account]:
        return [node for node in self.nodes.values() if isinstance(node, Account)]

    def timeline(self, account_id: str) -> list[Post]:
        """Every post of the account that is not deleted, oldest first; unpublished ones by when they were made."""
        known = self._timelines.get(account_id)
        if known is None:
            every = [*self.posts.get(account_id, []), *self.foreign.get(account_id, [])]
            kept = [post for post in every if post.deleted_at is None]
            known = self._timelines[account_id] = sorted(kept, key=lambda post: (post.moment, post.id))
        return known

    def live(self, at: float) -> list[Post]:
        """Everything published here that ever became visible, in the order in which it did."""
        every = [post for posts in self.posts.values() for post in posts if post.went_live(at)]
        return sorted(every, key=lambda post: post.visible_at or 0)
