"""All comments of a post as a file: what it holds in memory, when it begins, and how one that breaks off looks."""

import http.client
import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from accounts import clock, crypto
from accounts.models import Organization
from posts.models import Channel, PublishedPost
from tests.benchmarks.report import Figure
from tests.benchmarks.web_server import Caller, Web
from tests.chaos.environment import Stage
from tests.services.sandbox import PlatformAccount, SandboxControl

PAGE = PlatformAccount("FB_PAGE", "710000000000001", "Exported", "token-of-the-exported-page")
CALLS = "GET .*/comments"
PIECE = 64 * 1024
MEGABYTE = 1024 * 1024
QUIET = 3.0  # seconds in which an export that goes on makes many calls
FEW = 40  # calls: what fits into the buffers of both ends


@dataclass(frozen=True)
class Read:
    """What a client got: rows, seconds, calls before the first byte, and whether it could tell that more was due."""

    rows: int
    seconds: float
    first: float
    calls: int
    broken: bool


def measure(stage: Stage, count: int) -> list[Figure]:
    """Return the figures of exporting `count` comments from a process that has served lists before."""
    organization = Organization.objects.create(name="Exporting")
    path = _post(stage.sandbox, organization, count)
    with Web(stage.postgres.url, Caller(organization), stage.folder / "web-export.log") as web:
        calls = _Calls(stage.sandbox)
        web.ask("/posts", 20)
        web.ask(path.replace("/export", ""), 5)
        worker = psutil.Process(web.process.pid).children()[0]
        _forget_peak(worker.pid)
        idle = _memory(worker.pid, "VmRSS")
        whole = _read(web, path, calls)
        peak = _memory(worker.pid, "VmHWM") - idle
        failed = _read(web, path, calls, at=count // 2, then=lambda: _fail(stage.sandbox))
        calls.again()
        killed = _read(web, path, calls, at=count // 2, then=lambda: os.kill(worker.pid, signal.SIGKILL))
        time.sleep(1)  # another worker takes its place
        gone, stalled = (_calls_after(web, path, calls, count, leave=leave) for leave in (True, False))
    return [
        Figure(f"export of {count:,} comments, peak over idle", "-", "<= 32 MB", f"{peak / MEGABYTE:.1f} MB",
               peak <= 32 * MEGABYTE and whole.rows == count),
        Figure("  rows, rate", "-", "all", f"{whole.rows:,}, {whole.rows / whole.seconds:,.0f}/s",
               whole.rows == count and not whole.broken),
        Figure("  calls to the platform before the first byte", "-", "1", f"{whole.calls}, {whole.first * 1000:.0f} ms",
               whole.calls == 1),
        _told("  platform fails at 50 %", failed, count),
        _told("  web killed at 50 %", killed, count),
        Figure("  client hangs up at 50 %, calls until they stop", "-", f"<= {FEW}", str(gone), gone <= FEW),
        Figure("  client stops reading at 50 %, calls until they stop", "-", f"<= {FEW}", str(stalled), stalled <= FEW),
    ]  # fmt: skip


class _Calls:
    """Counts what the platform is asked for, by a delay of nothing at all."""

    def __init__(self, sandbox: SandboxControl) -> None:
        self.sandbox = sandbox
        self.again()

    def again(self) -> None:
        """Take back all faults, and begin at 0."""
        self.sandbox.heal()
        self.sandbox.fault(CALLS, "delay", times=None, seconds=0)

    def made(self) -> int:
        return int(self.sandbox.call("GET", "/__faults")["faults"][0]["hits"])


def _post(sandbox: SandboxControl, organization: Organization, count: int) -> str:
    """Make a post with so many comments; return the export's path."""
    sandbox.register(PAGE)
    [name] = sandbox.call("POST", "/__posts", {"account": PAGE.id, "items": [{"message": "Much said"}]})["ids"]
    sandbox.call("POST", "/__comments", {"post": name, "count": count, "replies": 0.3})
    channel = Channel.objects.create(
        organization=organization, wire_id=PAGE.wire_id, type=PAGE.type, platform_id=PAGE.id, name=PAGE.name,
        token_encrypted=crypto.encrypt(PAGE.token),
    )  # fmt: skip
    PublishedPost.objects.create(organization=organization, channel=channel, platform_id=name, published_at=clock.now())
    return f"/posts/{name}/comments/export?mediumId={channel.wire_id}"


def _read(web: Web, path: str, calls: _Calls, *, at: int = 0, then: Callable[[], None] | None = None) -> Read:
    """Read to the end. Once `at` rows have come, `then` is done."""
    calls.again()
    connection, answer, began = _opened(web, path)
    first = answer.read(1)
    until_first, made = time.perf_counter() - began, calls.made()
    rows, broken = first.count(b"\n"), False
    try:
        while piece := answer.read1(PIECE):
            rows += piece.count(b"\n")
            if then is not None and rows > at:
                then()
                then = None
    except (http.client.IncompleteRead, ConnectionError):
        broken = True
    # A body in chunks that ends without its last chunk: `read1` gives nothing more, and the answer stays open.
    broken = broken or not answer.isclosed()
    connection.close()
    return Read(rows - 1, time.perf_counter() - began, until_first, made, broken)


def _opened(web: Web, path: str) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse, float]:
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=120)
    # Else the kernel takes megabytes on behalf of a client who reads nothing.
    connection.sock = socket.socket()
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, PIECE)
    connection.sock.connect(("127.0.0.1", web.port))
    began = time.perf_counter()
    connection.request("GET", f"/v1{path}", headers=web.caller.headers())
    answer = connection.getresponse()
    if answer.status != 200:
        raise RuntimeError(f"the export answered {answer.status}: {answer.read(200)!r}")
    return connection, answer, began


def _calls_after(web: Web, path: str, calls: _Calls, count: int, *, leave: bool) -> int:
    """Read half, hang up or stop reading; return how many calls come until none come any more."""
    calls.again()
    connection, answer, _ = _opened(web, path)
    rows = 0
    while rows < count // 2:
        rows += answer.read1(PIECE).count(b"\n")
    if leave:
        answer.close()
        connection.close()
    first = before = calls.made()
    while True:
        time.sleep(QUIET)
        after = calls.made()
        if after == before:
            break
        before = after
    with suppress(OSError):
        connection.close()
    return after - first


def _fail(sandbox: SandboxControl) -> None:
    sandbox.heal()
    sandbox.fault(CALLS, "html_502", times=None)


def _told(name: str, read: Read, count: int) -> Figure:
    said = f"{'broken off' if read.broken else 'LOOKS WHOLE'} after {read.rows:,} rows"
    return Figure(name, "-", "the client can tell", said, read.broken and read.rows < count)


def _forget_peak(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


def _memory(pid: int, field: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"no {field}")
