"""Machines for tests: network namespaces with one address each, on a bridge that leads nowhere else.

Needs root and `ip` (iproute2). The namespaces have no names: they end with the processes in them and with this process,
however it ends.
"""

import ctypes
import os
import socket
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Self

NETWORK = "10.77.0"  # of the bridge; no packet leaves it
NEW_NETWORK = 0x4000_0000  # CLONE_NEWNET, for which Python 3.11 has no os.setns and os.unshare
_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int) -> None:
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _own_namespace() -> int:
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _ip(*commands: str) -> None:
    subprocess.run(["ip", "-batch", "-"], input="\n".join(commands), text=True, check=True)


class Host:
    """A machine with a name and an address. `with host:` a process starts on it, and a socket is opened on it."""

    def __init__(self, name: str, address: str) -> None:
        self.name, self.address = name, address

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


THIS_HOST = Host(socket.gethostname(), "127.0.0.1")


class NamespaceHost(Host):
    """`with host:` moves the calling thread into the namespace. `network` is the namespace with the bridge."""

    def __init__(self, name: str, address: str, network: int) -> None:
        super().__init__(name, address)
        self.network = network
        _check(_libc.unshare(NEW_NETWORK))
        self.namespace = _own_namespace()
        bridge_side = f"peer name {name} netns /proc/{os.getpid()}/fd/{network}"
        _ip(
            "link set lo up",
            f"link add eth0 type veth {bridge_side}",
            f"addr add {address}/24 dev eth0",
            "link set eth0 up",
        )
        _check(_libc.setns(network, NEW_NETWORK))
        _ip(f"link set dev {name} master bridge up")

    def __enter__(self) -> Self:
        _check(_libc.setns(self.namespace, NEW_NETWORK))
        return self

    def __exit__(self, *_: object) -> None:
        _check(_libc.setns(self.network, NEW_NETWORK))

    def cut_off(self) -> None:
        """Take the link down, on the bridge's side: connections stay, and packets get lost."""
        _ip(f"link set dev {self.name} down")

    def connect(self) -> None:
        _ip(f"link set dev {self.name} up")


def create_hosts(names: Sequence[str]) -> list[NamespaceHost]:
    """Move this process into a namespace with a bridge, and return hosts on it. Call it before there are threads.

    The address of this process is NETWORK.1. A name is that of an interface too: at most 15 characters.
    """
    _check(_libc.unshare(NEW_NETWORK))
    network = _own_namespace()
    _ip("link set lo up", "link add bridge type bridge", f"addr add {NETWORK}.1/24 dev bridge", "link set bridge up")
    return [NamespaceHost(name, f"{NETWORK}.{number}", network) for number, name in enumerate(names, 2)]


class Relay:
    """Passes connections to a port of the host's loopback on to the same port of this process's, until `close`.

    So what listens on loopback here is at the same address there, although the link is down.
    """

    def __init__(self, host: Host, port: int) -> None:
        self.port = port
        with host:
            self.listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _serve(self) -> None:
        with suppress(OSError):  # closed
            while True:
                near = self.listener.accept()[0]
                far = socket.create_connection(("127.0.0.1", self.port))
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=_copy, args=(source, target), daemon=True).start()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
