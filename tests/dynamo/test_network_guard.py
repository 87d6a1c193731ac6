"""The guard that keeps tests on this machine."""

import socket

import pytest

from tests.plugins.network_guard import SpokeToTheWorld


def test_a_test_that_connects_to_another_host_fails() -> None:
    with socket.socket() as one, pytest.raises(SpokeToTheWorld, match=r"192\.0\.2\.1"):
        one.connect(("192.0.2.1", 80))


def test_names_of_other_hosts_do_not_resolve() -> None:
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("example.com", 443)


def test_loopback_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as one:
        one.connect(server.getsockname())
