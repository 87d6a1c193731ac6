"""State of one running sandbox: a lock, a table of nodes, a journal. Callers hold `lock` to read or change it."""

import hashlib
import itertools
import json
import os
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from dynamo.sandbox.faults import FaultBook
from dynamo.sandbox.models import (
    FIRST_SLOT,
    TABLES,
    Account,
    Audience,
    Comment,
    Container,
    Node,
    Person,
    Post,
    new_audience,
)
from dynamo.sandbox.rate_limits import Usage
from dynamo.sandbox.settings import Settings

KEPT_IN_MEMORY = 400  # media, of about 0.1 MB each


class MediaStore:
    """The bytes of uploaded and fetched media by SHA-256, in `folder`; the last ones in memory without a folder."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder / "media" if folder else None
        if self._folder:
            self._folder.mkdir(parents=True, exist_ok=True)
        self._memory: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def put(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        if self._folder:
            path = self._folder / digest
            if not path.exists():
                path.write_bytes(data)
            return digest
        with self._lock:
            self._memory.pop(digest, None)  # to the end of the order
            self._memory[digest] = data
            while len(self._memory) > KEPT_IN_MEMORY:
                del self._memory[next(iter(self._memory))]
        return digest

    def get(self, digest: str) -> bytes | None:
        if self._folder:
            path = self._folder / digest
            return path.read_bytes() if path.is_file() else None
        return self._memory.get(digest)


class Journal:
    """Every stored node as a line of JSON in `folder`. Without a folder nothing is stored."""

    def __init__(self, folder: Path | None) -> None:
        self._file: BinaryIO | None = None
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / "journal.jsonl"
            self._file = path.open("ab+")
            path.chmod(0o600)  # it contains tokens

    def load(self) -> Iterator[Node]:
        """Yield all nodes, and remove an incomplete last line, which a killed process leaves."""
        if self._file:
            self._file.seek(0)
            size = 0
            for line in self._file:
                if line.endswith(b"\n"):
                    size += len(line)
                    entry = json.loads(line)
                    yield TABLES[entry["table"]](**entry["row"])
            self._file.truncate(size)

    def append(self, node: Node) -> None:
        if self._file and not self._file.closed:
            line = json.dumps({"table": type(node).__name__, "row": asdict(node)}, separators=(",", ":"))
            self._file.write(f"{line}\n".encode())
            self._file.flush()

    def clear(self) -> None:
        if self._file:
            self._file.truncate(0)

    def close(self) -> None:
        if self._file:
            self._file.close()


N = TypeVar("N", bound=Node)

CLOCK_FILE = os.environ.get("DYNAMO_CLOCK_FILE")


def now() -> float:
    """Return the current time in seconds since the epoch.

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


@dataclass
class Code:
    """What the login dialog answered with: it is exchanged once, with the same redirect_uri."""

    person: str
    redirect_uri: str
    expires_at: float
    config: str = ""  # the configuration of Login for Business, which names the kind of token
    used: bool = False


class State:
    def __init__(self, folder: Path | None) -> None:
        self.lock = threading.RLock()
        self.media = MediaStore(folder)
        self.journal = Journal(folder)
        self.uploads: dict[str, bytearray] = {}
        self._forget()
        # The first line of an id sets its position, the last one its content.
        for node in {node.id: node for node in self.journal.load()}.values():
            self._index(node)

    def _forget(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.posts: dict[str, list[Post]] = {}
        self.foreign: dict[str, list[Post]] = {}
        self.seeded: list[Post] = []
        self._timelines: dict[str, list[Post]] = {}
        self.containers: dict[str, list[Container]] = {}
        self.comments: dict[str, list[Comment]] = {}
        self.audiences: dict[str, Audience] = {}
        self.slots: dict[int, Audience] = {}
        self.tokens: dict[str, str] = {}
        self.codes: dict[str, Code] = {}
        self.calls: Counter[str] = Counter()
        self._serial = itertools.count(1)
        self._numbers: set[str] = set()
        self.uploads.clear()

    def reset(self) -> None:
        """Delete everything, and the journal."""
        self._forget()
        self.journal.clear()

    def _index(self, node: Node) -> None:
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
        """Store a new or changed node, in the journal too, before the response is sent."""
        self._index(node)
        self.journal.append(node)
        return node

    def find(self, node_id: str) -> Node | None:
        """Return the node unless it is unknown or deleted."""
        node = self.nodes.get(node_id)
        return None if getattr(node, "deleted_at", None) is not None else node

    def audience(self, post: Post) -> Audience:
        """Return the post's audience, a generated or empty one when nothing was set. A change needs `put`."""
        return self.audiences.get(post.id) or new_audience(post, post.slot or len(self.slots))

    def post_of_slot(self, slot: int) -> str:
        """Return the id of the post with this slot, or an empty string."""
        if slot in self.slots:
            return self.slots[slot].post
        return self.seeded[slot - FIRST_SLOT].id if 0 <= slot - FIRST_SLOT < len(self.seeded) else ""

    def mint(self, prefix: str, digits: int) -> str:
        """Return a new id that is not part of another: the prefix and `digits` digits, not in sequence."""
        space = 10**digits
        while True:
            number = f"{prefix}{(next(self._serial) * 61_803_398_873 + 1_414_213_562) % space:0{digits}d}"
            if number not in self._numbers:
                return number

    def account(self, account_id: str) -> Account:
        node = self.nodes[account_id]
        assert isinstance(node, Account)  # noqa: S101  ids of accounts are from the token table
        return node

    def people(self) -> list[Person]:
        return [node for node in self.nodes.values() if isinstance(node, Person)]

    def linked(self, page_id: str) -> Account | None:
        """Return the Instagram account that is linked to the Page."""
        accounts = (node for node in self.nodes.values() if isinstance(node, Account))
        return next((account for account in accounts if page_id and account.page == page_id), None)

    def timeline(self, account_id: str) -> list[Post]:
        """Return the account's posts that are not deleted, oldest first; unpublished ones by creation."""
        if account_id not in self._timelines:
            every = [*self.posts.get(account_id, []), *self.foreign.get(account_id, [])]
            kept = [post for post in every if post.deleted_at is None]
            self._timelines[account_id] = sorted(kept, key=lambda post: (post.timestamp, post.id))
        return self._timelines[account_id]

    def live(self, at: float) -> list[Post]:
        """Return the posts made by the API that became visible, in this order."""
        every = [post for posts in self.posts.values() for post in posts if post.went_live(at)]
        return sorted(every, key=lambda post: post.visible_at or 0)


class HangUp(Exception):
    """Close the connection without a response; `reset` sends a TCP reset."""

    def __init__(self, *, reset: bool) -> None:
        super().__init__()
        self.reset = reset


class SandboxContext:
    """Everything that handlers share. `url` has no trailing slash, and is set when the port is bound."""

    def __init__(self, folder: Path | None, **app: Any) -> None:
        """`app`: app_id, app_secret and redirect_uris of the settings."""
        self.url = ""
        self._app = app
        self._over = threading.Event()
        self.state = State(folder)
        self.reset_settings()

    def reset_settings(self) -> None:
        """Reset the settings, faults, counters, the lists of calls, and the app's webhook."""
        self.settings = Settings(**self._app)
        self.faults = FaultBook()
        self.usage = Usage()
        self.requests: deque[dict[str, Any]] = deque(maxlen=5000)
        self.webhook_url = ""
        self.webhook_fields: dict[str, list[str]] = {}  # by object
        self.webhook_deliveries: deque[dict[str, Any]] = deque(maxlen=1000)

    def reset(self) -> None:
        """Reset everything, with accounts, posts and the journal. Sleeping calls end: they must not change the rest."""
        self.end_sleeping_calls()
        with self.state.lock:
            self.state.reset()
        self.reset_settings()

    def wait(self, seconds: float) -> None:
        """Sleep without a lock. Raises HangUp when the sandbox stops or is reset."""
        if seconds > 0 and self._over.wait(seconds):
            raise HangUp(reset=False)

    def end_sleeping_calls(self) -> None:
        over, self._over = self._over, threading.Event()
        over.set()

    def stored_url(self, sha256: str) -> str:
        return f"{self.url}/stored/{sha256}" if sha256 else ""

    def picture_url(self, post: Post, number: int = 0, kind: str = "jpg") -> str:
        """Return the URL of a post's picture or video: the uploaded one, else that of a foreign post."""
        if post.sha256 or not post.media_url:
            return self.stored_url(post.sha256)
        if not post.media_url.startswith("/"):
            return post.media_url
        stem = self.url + post.media_url.removesuffix(".jpg")
        return f"{stem}-{number}.{kind}" if number else f"{stem}.{kind}"

    def permalink(self, post_id: str) -> str:
        """Return the URL of the sandbox's page of the post."""
        return f"{self.url}/live/{post_id}"
