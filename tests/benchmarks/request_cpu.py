"""What one signed request costs: CPU of the web, of PostgreSQL and of Redis, by kind of request and of the mix."""

import http.client

from tests.benchmarks.publish_series import Press
from tests.benchmarks.report import Figure
from tests.benchmarks.request_mix import Kind, fill, kinds
from tests.benchmarks.web_server import Caller, Web, cpu

WARM, TIMES = 60, 300


def measure(press: Press) -> list[Figure]:
    """Ask for each kind so many times on one connection, while nothing else goes on."""
    caller = Caller(press.crowd.organization)
    fill(caller.key, press.crowd.channels[0])
    asked = kinds(press.stage.sandbox, press.crowd.channels[0])
    with Web(press.stage.postgres.url, caller, press.stage.folder / "web.log", processes=1, threads=2) as web:
        spent = {one: _spent(press, web, one, asked) for one in asked}
    whole = [sum(one.share * spent[one][part] for one in asked) / 100 for part in range(3)]
    rows = [("a signed request of the mix, CPU", whole), *((f"  {one.name}", spent[one]) for one in asked)]
    return [Figure(name, "-", "-", _said(parts)) for name, parts in rows]


def _said(parts: list[float]) -> str:
    web, postgres, redis = (one * 1000 for one in parts)
    return f"{web + postgres + redis:.2f} ms (web {web:.2f}, PostgreSQL {postgres:.2f}, Redis {redis:.2f})"


def _spent(press: Press, web: Web, kind: Kind, asked: list[Kind]) -> list[float]:
    """Return the CPU seconds of one such request in the web, in PostgreSQL and in Redis."""
    draft = next(one for one in asked if one.makes_draft)
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=60)
    _ask(connection, web, kind, [_draft(connection, web, draft) for _ in range(WARM)])
    drafts = [_draft(connection, web, draft) for _ in range(TIMES)] if "{draft}" in kind.path else [""] * TIMES
    engines = (press.stage.postgres.process, press.stage.redis.process)
    pids = [web.process.pid, *(one.pid for one in engines if one is not None)]
    before = [cpu([pid]) for pid in pids]
    _ask(connection, web, kind, drafts)
    after = [cpu([pid]) for pid in pids]
    connection.close()
    return [(late - early) / TIMES for late, early in zip(after, before, strict=True)]


def _draft(connection: http.client.HTTPConnection, web: Web, kind: Kind) -> str:
    return _ask(connection, web, kind, [""])[7:43].decode()  # {"id":"…


def _ask(connection: http.client.HTTPConnection, web: Web, kind: Kind, drafts: list[str]) -> bytes:
    body = b""
    for draft in drafts:
        headers = web.caller.headers()
        if kind.body:
            headers["content-type"] = "application/json"
        if not kind.genuine:
            headers["x-signature"] = "0" * 64
        connection.request(kind.method, f"/v1{kind.path}".replace("{draft}", draft), kind.body or None, headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != kind.wanted:
            raise RuntimeError(f"to {kind.name} was answered {answer.status}: {body[:200]!r}")
    return body
