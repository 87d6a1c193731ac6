"""The hosts of `tests.deploy.hosts`: they reach each other, none reaches anything else, and a link can be cut."""

import os
import shutil
import socket
import subprocess
import sys

import pytest


def _may_create_namespaces() -> bool:
    """Whether this is root with the right to create network namespaces, which many containers lack."""
    unshare = shutil.which("unshare")
    return bool(os.geteuid() == 0 and unshare and subprocess.run([unshare, "-n", "true"], check=False).returncode == 0)


pytestmark = pytest.mark.skipif(
    shutil.which("ip") is None or not _may_create_namespaces(),
    reason="needs root with CAP_SYS_ADMIN, and `ip`: apt-get install iproute2",
)
# In a process of its own, which moves into another namespace.
SCRIPT = """
import socket, threading
from tests.services.namespaces import Relay, create_hosts

first, second = create_hosts(["first", "second"])
here = socket.create_server(("127.0.0.1", 0))
port = here.getsockname()[1]
relay = Relay(second, port)
with first:
    server = socket.create_server((first.address, port))

def ask(address, listener, seconds=20):
    try:
        with second, socket.create_connection((address, port), timeout=seconds) as connection:
            listener.accept()[0].sendall(b"x")
            return connection.recv(1)
    except TimeoutError:
        return "no answer"
    except OSError as error:
        return "no route"

print(ask(first.address, server))
print(ask("192.0.2.1", server, 1))
second.cut_off()
print(ask(first.address, server, 1), ask("127.0.0.1", here))
second.connect()
print(ask(first.address, server))
print(*(name for _, name in socket.if_nameindex()))
"""


def test_hosts_reach_each_other_and_nothing_else() -> None:
    before = socket.if_nameindex()

    output = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60)

    assert output.stdout.splitlines() == [
        "b'x'",
        "no route",
        "no answer b'x'",
        "b'x'",
        "lo bridge first second",
    ]
    assert socket.if_nameindex() == before
