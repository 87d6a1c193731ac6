"""Tests speak to this machine only: a call to any other host is an error, not a slow pass."""

import ipaddress
import socket
from typing import Any

import pytest

_connect, _connect_ex, _getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo


class SpokeToTheWorld(RuntimeError):
    """A test tried to leave the machine."""


def _check(family: int, address: Any) -> None:
    if family not in {socket.AF_INET, socket.AF_INET6}:
        return
    host = address[0]
    try:
        inside = ipaddress.ip_address(host).is_loopback
    except ValueError:
        inside = host == "localhost"
    if not inside:
        raise SpokeToTheWorld(f"a test tried to connect to {host}")


def connect(self: socket.socket, address: Any) -> None:
    _check(self.family, address)
    _connect(self, address)


def connect_ex(self: socket.socket, address: Any) -> int:
    _check(self.family, address)
    return _connect_ex(self, address)


def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
    """Answer for addresses and localhost; no other name resolves, as on a machine that is offline."""
    name = host.decode() if isinstance(host, bytes) else host
    if name not in {None, "", "localhost"}:
        try:
            ipaddress.ip_address(name)
        except ValueError:
            raise socket.gaierror(socket.EAI_NONAME, f"tests do not look up {name}") from None
    return _getaddrinfo(host, *args, **kwargs)


def keep_inside(patch: pytest.MonkeyPatch) -> None:
    """Guard every socket of this process until `patch` is undone."""
    patch.setattr(socket.socket, "connect", connect)
    patch.setattr(socket.socket, "connect_ex", connect_ex)
    patch.setattr(socket, "getaddrinfo", getaddrinfo)
