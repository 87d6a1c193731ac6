"""Calling what an organization named: one POST, to a public place, with a hard end."""

import socket
from typing import Any

import pytest

from posts.graph import sending
from posts.graph.reaching import Unreachable
from posts.graph.sending import NotTaken, post
from tests.posts.graph.raw import answer, serving
from tests.receiver import receiving


@pytest.fixture(autouse=True)
def _loopback_is_public(settings: Any) -> None:
    settings.MEDIA_ALLOW_LOOPBACK = True


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let every name stand for these addresses."""
    looked_up = socket.getaddrinfo

    def answers(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        if host != "receiver.example":
            return looked_up(host, port, *args, **kwargs)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", answers)


def test_the_next_address_is_tried_when_the_first_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as receiver:
        port = receiver.url.rsplit(":", 1)[1]
        resolving(monkeypatch, "127.0.0.2", "127.0.0.1")  # nobody listens on the first
        post(f"http://receiver.example:{port}/in", b"{}", {"X-Dynamo-Event": "1"})
    [(path, headers, body)] = receiver.calls
    assert (path, headers["Host"], headers["X-Dynamo-Event"], body) == ("/in", f"receiver.example:{port}", "1", b"{}")
    assert "Authorization" not in headers


def test_no_address_is_called_when_one_of_them_is_private(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, "127.0.0.1", "10.0.0.1")
    with receiving() as receiver, pytest.raises(Unreachable, match="The receiver's host"):
        post(f"http://receiver.example:{receiver.url.rsplit(':', 1)[1]}/", b"{}", {})
    assert receiver.calls == []


def test_an_answer_that_drips_is_cut_off_and_one_without_end_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "SECONDS", 0.4)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
    with serving([head, *[b"x"] * 100]) as drip, pytest.raises(NotTaken, match=r"within 0\.4 s") as caught:
        post(drip.url, b"{}", {})
    assert caught.value.silent
    monkeypatch.setattr(sending, "SECONDS", 20)
    with serving([head, b"x" * sending.ANSWER]) as endless:
        post(endless.url, b"{}", {})


def test_what_breaks_off_after_it_was_sent_is_not_sent_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, "127.0.0.1", "127.0.0.1")
    with serving(b"", answer(b"")) as server, pytest.raises(NotTaken, match="ConnectionError"):
        post(f"http://receiver.example:{server.url.rsplit(':', 1)[1]}/", b"{}", {})
    assert len(server.requests) == 1
