"""/healthz and /readyz without database and broker."""

import json
import socket
import time
import urllib.error
import urllib.request

import pytest

from tests.services.processes import ProcessGroup

pytestmark = pytest.mark.processes


def get(url: str) -> tuple[int, dict[str, object], float]:
    began = time.monotonic()
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            status, body = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            status, body = error.code, error.read()
    return status, json.loads(body), time.monotonic() - began


def test_readyz_without_database_and_broker_fails(processes: ProcessGroup) -> None:
    nowhere = {"DATABASE_URL": "postgresql://dynamo@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1/0"}
    _, url = processes.web(**nowhere)
    assert get(f"{url}/healthz")[:2] == (200, {"up": True})
    status, body, seconds = get(f"{url}/readyz")
    assert (status, body["ready"], body["database"], body["broker"]) == (503, False, False, False)
    assert body["problems"] == ["The database does not answer.", "The broker does not answer."]
    assert seconds < 5


def test_readyz_silent_broker_times_out(processes: ProcessGroup) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        _, url = processes.web(REDIS_URL=f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        status, body, seconds = get(f"{url}/readyz")
    assert (status, body["broker"], body["database"]) == (503, False, True)
    assert seconds < 4
