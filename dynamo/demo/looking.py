"""How the demo knows that its children are up."""

import socket
import urllib.error
import urllib.request

from dynamo.celery import app


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this port of loopback now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def answers(url: str) -> bool:
    """Whether an HTTP server answers at `url`, with success or a refusal, but not with a failure of its own."""
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310  loopback
            return True
    except urllib.error.HTTPError as answer:
        return answer.code < 500
    except OSError:
        return False


def worker_answers(node: str) -> bool:
    """Whether the worker called `node` takes messages from the broker."""
    try:
        return bool(app.control.ping(destination=[node], timeout=1))
    except OSError:
        return False
