"""Those who ask: many keys, each on a connection of its own, and one clock that says when each request is to be sent.

The loop is open. A request has its instant whether or not the ones before it were answered, and how long it took counts
from that instant, so that a server that falls behind cannot slow down those who measure it.
"""

import asyncio
import random
import secrets
import time
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass, field

from tests.benchmarks.request_mix import Kind, head
from tests.benchmarks.web_server import Caller

FRESH = 10.0  # seconds for which a signature is used again; the server takes it for a minute
PATIENCE = 10.0  # seconds after the last instant, within which an answer still counts
DRAFTS = 200  # made before the clock starts


@dataclass
class Asked:
    """What came of it. `waits` are seconds from the instant to the whole answer; `took` is until the last of them."""

    seconds: float
    answers: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    took: float = 0.0
    again: int = 0  # on a new connection, because an idle one was just being closed

    @property
    def held(self) -> bool:
        """Whether all was answered, as it should be, and no later than a second after the last instant."""
        return not self.wrong and self.took <= self.seconds + 1


class Line(asyncio.Protocol):
    """A key's connection: one request at a time, the others wait in line. Opened anew when the server has closed it."""

    def __init__(self, crowd: "Crowd", address: str, caller: Caller | None) -> None:
        self.crowd, self.address, self.caller = crowd, address, caller
        self.transport: asyncio.Transport | None = None
        self.waiting: deque[tuple[Kind, float]] = deque()
        self.asked: tuple[Kind, float] | None = None
        self.got, self.opening, self.used = bytearray(), False, False
        self.signed_at, self.signature = 0.0, {}

    def ask(self, kind: Kind, instant: float) -> None:
        self.waiting.append((kind, instant))
        self.next()

    def next(self) -> None:
        """Send what waits longest, unless something is on its way already."""
        if self.asked or not self.waiting or self.opening:
            return
        if self.transport is None or self.transport.is_closing():
            self.opening = True
            self.crowd.tasks.append(asyncio.ensure_future(self._open()))
            return
        self.asked = self.waiting.popleft()
        self.transport.write(head(self.asked[0], self.crowd.path(self.asked[0]), self._signature()))

    async def _open(self) -> None:
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: self, "127.0.0.1", self.crowd.port, local_addr=(self.address, 0)
            )
        except OSError as error:
            self.opening = False
            self.waiting.popleft()
            self.crowd.failed(type(error).__name__)
            self.next()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.opening, self.used = transport, False, False  # type: ignore[assignment]
        self.next()

    def connection_lost(self, error: Exception | None) -> None:
        """Ask again on another connection when the server closed this one, which was idle, as it was asked."""
        self.transport = None
        if self.asked and self.used and not self.got and error is None:
            self.waiting.appendleft(self.asked)
            self.crowd.found.again += 1
        elif self.asked:
            self.crowd.failed(type(error).__name__ if error else "closed")
        self.asked = None
        self.got.clear()
        self.next()

    def data_received(self, data: bytes) -> None:
        self.got += data
        end = self.got.find(b"\r\n\r\n")
        if end < 0 or self.asked is None:
            return
        length = self.got.lower().find(b"content-length:", 0, end)
        size = int(self.got[length + 15 : self.got.find(b"\r\n", length)]) if length >= 0 else 0
        if len(self.got) < end + 4 + size:
            return
        (kind, instant), self.asked = self.asked, None
        self.crowd.answered(kind, instant, int(self.got[9:12]), bytes(self.got[end + 4 :]))
        self.got.clear()
        self.used = True
        self.next()

    def _signature(self) -> dict[str, str]:
        now = time.monotonic()
        if now - self.signed_at > FRESH:
            self.signed_at = now
            if self.caller is None:  # whoever this is has no key
                key = {"x-api-key": f"dk_{secrets.token_hex(12)}", "x-signature": "0" * 64}
                self.signature = {**self.crowd.callers[0].headers(), **key}
            else:
                self.signature = self.caller.headers()
        return self.signature


class Crowd:
    """Everybody who asks. Keys are spread over addresses of loopback, so that the limits hold as they stand."""

    def __init__(self, port: int, callers: list[Caller], kinds: list[Kind]) -> None:
        self.port, self.callers, self.kinds = port, callers, kinds
        self.drafts: deque[str] = deque()
        self.tasks: list[asyncio.Future[None]] = []
        self.news = asyncio.Event()

    def run(self, rate: float, seconds: float, began: float) -> Asked:
        """Ask so often for so long, from an instant of the monotonic clock on, and wait for what is on its way then."""
        self.found = Asked(seconds)
        asyncio.run(self._run(rate, seconds, began))
        return self.found

    async def _run(self, rate: float, seconds: float, began: float) -> None:
        signed = [Line(self, f"127.0.1.{1 + number % 20}", one) for number, one in enumerate(self.callers)]
        strangers = [Line(self, f"127.0.2.{1 + number}", None) for number in range(max(30, int(rate / 10)))]
        await self._prepared(signed)
        dice = random.Random(7)
        total = int(rate * seconds)
        chosen = dice.choices(self.kinds, [one.share for one in self.kinds], k=total)
        turns = [0, 0]
        for number, kind in enumerate(chosen):
            instant = began + number / rate
            if (left := instant - time.monotonic()) > 0:
                await asyncio.sleep(left)
            lines = signed if kind.genuine else strangers
            turns[kind.genuine] += 1
            lines[turns[kind.genuine] % len(lines)].ask(kind, instant)
        missing = await self._heard(total, began + seconds + PATIENCE)
        self.found.took = time.monotonic() - began
        if missing:
            self.found.wrong["no answer"] += missing
        for line in (*signed, *strangers):
            if line.transport is not None:
                line.transport.close()

    async def _prepared(self, lines: list[Line]) -> None:
        """Make drafts, on every connection, so that nothing is asked for the first time later."""
        draft = next(one for one in self.kinds if one.makes_draft)
        for number in range(max(DRAFTS, len(lines))):
            lines[number % len(lines)].ask(draft, time.monotonic())
            await self._heard(number + 1, time.monotonic() + PATIENCE)
        if self.found.wrong:
            raise RuntimeError(f"drafts before the load were answered {dict(self.found.wrong)}")
        self.found.waits.clear()
        self.found.answers.clear()

    async def _heard(self, count: int, until: float) -> int:
        """Wait until so many requests have come to an end, or the time is over; return how many are missing."""
        while (left := count - len(self.found.waits) - self.found.wrong.total()) > 0 and time.monotonic() < until:
            self.news.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.news.wait(), until - time.monotonic())
        return left

    def path(self, kind: Kind) -> str:
        if "{draft}" not in kind.path:
            return kind.path
        return kind.path.replace("{draft}", self.drafts.popleft() if kind.uses_up else random.choice(self.drafts))

    def answered(self, kind: Kind, instant: float, status: int, body: bytes) -> None:
        if status != kind.wanted:
            self.failed(f"{status} to {kind.name}")
            return
        if kind.makes_draft:
            self.drafts.append(body[7:43].decode())  # {"id":"…
        self.found.answers[kind.name] += 1
        self.found.waits.append(time.monotonic() - instant)
        self.news.set()

    def failed(self, why: str) -> None:
        self.found.wrong[why] += 1
        self.news.set()
