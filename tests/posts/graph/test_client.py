"""The client over real HTTP: what was sent, how it failed, and what it never gives away."""

import gzip
import hmac
import io
import logging
import socket
import time
import traceback
import tracemalloc
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any

import pytest
import time_machine

from posts.graph import client, errors, rate_limits
from posts.graph.account import Account
from tests.posts.graph.raw import answer, serving
from tests.services.sandbox import FACEBOOK, SandboxControl

PAGE = Account(FACEBOOK.type, FACEBOOK.id, FACEBOOK.token)
FEED = f"{FACEBOOK.id}/feed"
OK = answer(b'{"id": "1_2"}')


@pytest.fixture
def speak_to(settings: Any) -> Any:
    def to(url: str) -> None:
        settings.GRAPH_BASE_URL = url
        settings.SANDBOXED = True

    return to


def test_call_has_token_header_and_version(speak_to: Any, settings: Any) -> None:
    settings.GRAPH_APP_SECRET = "app-secret"
    with serving(OK) as server:
        speak_to(server.url)
        client.get(PAGE, "1_2", fields="message")
    head = server.requests[0].decode()
    line, _, headers = head.partition("\r\n")
    proof = hmac.new(b"app-secret", FACEBOOK.token.encode(), "sha256").hexdigest()
    assert line == f"GET /v27.0/1_2?fields=message&appsecret_proof={proof} HTTP/1.1"
    assert f"Authorization: Bearer {FACEBOOK.token}\r\n" in headers


def test_call_has_appsecret_proof(sandbox: SandboxControl, settings: Any) -> None:
    sandbox.settings(app_secret="app-secret", require_proof=True)
    with pytest.raises(errors.ConfigurationError):
        client.get(PAGE, FACEBOOK.id, fields="name")
    settings.GRAPH_APP_SECRET = "app-secret"
    assert client.get(PAGE, FACEBOOK.id, fields="name")["name"] == FACEBOOK.name
    assert set(client.post_public(PAGE, FEED, {"message": "Olá"})) == {"id"}


def test_refused_connection_is_transient(speak_to: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        speak_to(f"http://127.0.0.1:{probe.getsockname()[1]}")
    with pytest.raises(errors.Transient, match="nothing was sent"):
        client.post_public(PAGE, FEED, {"message": "Olá"})


def test_unknown_host_is_transient(speak_to: Any) -> None:
    speak_to("http://graph.invalid")
    with pytest.raises(errors.Transient, match="nothing was sent"):
        client.post_public(PAGE, FEED, {"message": "Olá"})


def test_failed_handshake_is_transient(speak_to: Any) -> None:
    with serving(b"this is not TLS") as server:
        speak_to(server.url.replace("http://", "https://"))
        with pytest.raises(errors.Transient, match="nothing was sent"):
            client.post_public(PAGE, FEED, {"message": "Olá"})


CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"


@pytest.mark.parametrize("script", [b"", CUT, b"no http at all\r\n\r\n", answer(b"<html>", "502 Bad Gateway")])
def test_lost_write_is_sent_once_and_ambiguous(speak_to: Any, script: bytes) -> None:
    with serving(script, OK) as server:
        speak_to(server.url)
        with pytest.raises(errors.Ambiguous):
            client.post_public(PAGE, FEED, {"message": "Olá"})
    assert len(server.requests) == 1


def test_read_is_retried(speak_to: Any) -> None:
    with serving(answer(b"<html>", "502 Bad Gateway"), answer(b"", "503 Down"), OK) as server:
        speak_to(server.url)
        assert client.get(PAGE, "1_2") == {"id": "1_2"}
    assert len(server.requests) == 3


def test_read_without_response_is_transient(speak_to: Any) -> None:
    with serving(CUT) as server:
        speak_to(server.url)
        with pytest.raises(errors.Transient):
            client.get(PAGE, "1_2")


def test_staging_call_is_transient_and_sent_once(speak_to: Any) -> None:
    with serving(b"", OK) as server:
        speak_to(server.url)
        with pytest.raises(errors.Transient):
            client.post_unpublished(PAGE, FEED, {"published": "false"})
    assert len(server.requests) == 1


def test_silent_server_ends_at_the_read_timeout(speak_to: Any, settings: Any) -> None:
    settings.GRAPH_READ_TIMEOUT = 0.2
    with serving([OK], pause=1) as server:
        speak_to(server.url)
        started = time.monotonic()
        with pytest.raises(errors.Ambiguous, match="took too long"):
            client.post_public(PAGE, FEED, {"message": "Olá"})
        assert time.monotonic() - started < 0.9


def test_slow_body_ends_at_the_deadline(speak_to: Any, settings: Any) -> None:
    settings.GRAPH_CONNECT_TIMEOUT, settings.GRAPH_READ_TIMEOUT = 0.1, 0.3
    drips = [b"HTTP/1.1 200 OK\r\n", *[b"X-A: b\r\n"] * 30]
    with serving(drips, pause=0.1) as server:
        speak_to(server.url)
        started = time.monotonic()
        with pytest.raises(errors.Ambiguous, match="took too long"):
            client.post_public(PAGE, FEED, {"message": "Olá"})
        assert time.monotonic() - started < 1.5


def test_cut_body_without_length_is_an_error(speak_to: Any, settings: Any) -> None:
    settings.GRAPH_CONNECT_TIMEOUT, settings.GRAPH_READ_TIMEOUT = 0.1, 0.3
    with serving([b'HTTP/1.1 200 OK\r\n\r\n{"id": "1"}', *[b" "] * 30], pause=0.1) as server:
        speak_to(server.url)
        with pytest.raises(errors.Ambiguous, match="took too long"):
            client.post_public(PAGE, FEED, {"message": "Olá"})


def test_redirects_are_not_followed(speak_to: Any) -> None:
    with serving(OK) as trap, serving(answer(b"", "307 Elsewhere", f"Location: {trap.url}/v27.0/1")) as server:
        speak_to(server.url)
        with pytest.raises(errors.Ambiguous):
            client.post_public(PAGE, FEED, {"message": "Olá"})
    assert trap.requests == []


def test_redirect_body_over_the_limit_is_not_read(speak_to: Any) -> None:
    moved = answer(gzip.compress(bytes(64 * 1024**2)), "302 Found", "Location: /x", "Content-Encoding: gzip")
    with serving(moved) as server:
        speak_to(server.url)
        tracemalloc.start()
        try:
            with pytest.raises(errors.Transient):
                client.get(PAGE, "1_2")
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 4 * client.LARGEST


def test_too_large_body_is_an_error(speak_to: Any) -> None:
    with serving(answer(b'{"id": "' + b"1" * client.LARGEST + b'"}')) as server:
        speak_to(server.url)
        with pytest.raises(errors.Transient):
            client.get(PAGE, "1_2")


def test_post_while_account_is_blocked_sends_nothing(sandbox: SandboxControl) -> None:
    sandbox.fault(r"POST .*/feed", "throttle", code=32, minutes=3)
    with pytest.raises(errors.Throttled) as first:
        client.post_public(PAGE, FEED, {"message": "Olá"})
    before = len(sandbox.call("GET", "/__requests")["requests"])
    with pytest.raises(errors.Throttled) as second:
        client.post_public(PAGE, FEED, {"message": "Olá"})
    assert len(sandbox.call("GET", "/__requests")["requests"]) == before
    assert (first.value.retry_after, round(second.value.retry_after / 10)) == (240, 24)
    assert rate_limits.usage_percent(PAGE) == 100


def test_other_version_is_logged_once(speak_to: Any, caplog: pytest.LogCaptureFixture) -> None:
    script = [answer(b"{}", "200 OK", "facebook-api-version: v21.0") for _ in range(2)]
    client._versions.clear()
    with serving(*script) as server:
        speak_to(server.url)
        client.get(PAGE, "1")
        client.get(PAGE, "1")
    assert [record.getMessage() for record in caplog.records] == ["the platform ran version v21.0 instead of v27.0"]


@pytest.mark.parametrize("date", ["", "soon", f"Fri, 31 Dec {10**20} 23:59:59 GMT", "Thu, 01 Jan 1970 00:00:00 -0000"])
def test_invalid_date_header_is_ignored(speak_to: Any, date: str) -> None:
    client._platform_clock.clear()
    with serving(answer(b'{"id": "1_2"}', "200 OK", f"Date: {date}")) as server:
        speak_to(server.url)
        assert client.post_public(PAGE, FEED, {"message": "Olá"}) == {"id": "1_2"}
    assert (client.clock_skew(), client.platform_now()) == (timedelta(0), None)


def test_platform_now_is_independent_of_our_clock(speak_to: Any) -> None:
    with serving(answer(b"{}", "200 OK", "Date: Mon, 23 Nov 2026 12:00:00 GMT")) as server:
        speak_to(server.url)
        client.get(PAGE, "1")
    with time_machine.travel(datetime(2030, 1, 1, tzinfo=UTC), tick=False):
        there = client.platform_now()
    assert there is not None
    assert timedelta(0) <= there - datetime(2026, 11, 23, 12, tzinfo=UTC) < timedelta(minutes=1)


def test_upload_to_another_host_is_refused(sandbox: SandboxControl) -> None:
    for place in ("https://evil.example/x", "http://rupload.facebook.com/x", "https://evilfacebook.com/x"):
        with pytest.raises(errors.InvalidRequest):
            client.upload(PAGE, place, io.BytesIO(b"film"), 4)


@pytest.mark.parametrize(
    "fault", ["drop_after", "drop_before", "html_502", "truncated_json", "expired_token", "flicker"]
)
def test_errors_and_logs_contain_no_secret(
    sandbox: SandboxControl, settings: Any, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    settings.GRAPH_APP_SECRET = "app-secret"
    caplog.set_level(logging.INFO)
    sandbox.fault(".*", fault, times=9)
    hidden = token_hex()  # not written here, because tracebacks quote this file
    secrets = (FACEBOOK.token, hmac.digest(b"app-secret", FACEBOOK.token.encode(), "sha256").hex(), hidden)
    for call in (
        lambda: client.post_public(PAGE, FEED, {"message": "Olá", "secret": hidden}),
        lambda: client.get(PAGE, FACEBOOK.id, fields=hidden),
    ):
        with pytest.raises(errors.GraphError) as caught:
            call()
        logging.getLogger("test").error("seen", exc_info=caught.value)
        error: BaseException | None = caught.value
        written = "".join(traceback.format_exception(error)) + caplog.text
        while error is not None:
            written += repr(error) + repr(vars(error))
            error = error.__context__
        assert [secret for secret in secrets if secret in written] == []


def test_account_repr_has_no_token() -> None:
    assert FACEBOOK.token not in repr(PAGE)


def test_idle_connection_is_closed_before_a_write(speak_to: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    monkeypatch.setattr(client, "IDLE", 0.0)
    with serving([kept, b""], OK, pause=0.2) as server:
        speak_to(server.url)
        client.get(PAGE, "1")
        # The first connection still stands, and would swallow what is sent on it.
        assert client.post_public(PAGE, FEED, {"message": "Olá"}) == {"id": "1_2"}


def test_call_after_its_deadline_is_not_sent(speak_to: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease is as long as the longest call: nothing may go out after it, however long the look-up took."""
    settings.GRAPH_CONNECT_TIMEOUT, settings.GRAPH_READ_TIMEOUT = 0.05, 0.05
    look_up = socket.getaddrinfo

    def slowly(*args: Any, **more: Any) -> Any:
        time.sleep(0.3)
        return look_up(*args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    with serving(OK) as server:
        speak_to(server.url)
        with pytest.raises(errors.Transient, match="nothing was sent"):
            client.post_public(PAGE, FEED, {"message": "Olá"})
    assert server.requests in ([], [b""])


def test_failed_connection_is_not_retried_for_a_write(speak_to: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    look_up = socket.getaddrinfo

    def nowhere(host: str, *args: Any, **more: Any) -> Any:
        if host != "graph.example":
            return look_up(host, *args, **more)
        asked.append(host)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    speak_to("http://graph.example")
    with pytest.raises(errors.Transient):
        client.post_public(PAGE, FEED, {"message": "Olá"})
    assert asked == ["graph.example"]
