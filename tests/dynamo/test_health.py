"""/healthz and /readyz without database and broker."""

import json
import socket
import time
import urllib.error
import urllib.request

import pytest

import dynamo
from accounts import clock
from accounts.datetimes import format_datetime
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
    assert get(f"{url}/healthz")[:2] == (200, {"up": True, "version": dynamo.__version__})
    status, body, seconds = get(f"{url}/readyz")
    assert (status, body["ready"], body["database"], body["broker"]) == (503, False, False, False)
    assert body["problems"] == [
        "The database does not answer.",
        "The broker does not answer.",
        "The cache does not answer: there are no rate limits until it does.",
    ]
    assert seconds < 15


def test_requests_without_database_are_503_o11(processes: ProcessGroup) -> None:
    _, url = processes.web(DATABASE_URL="postgresql://dynamo@127.0.0.1:1/none")
    signed = {"x-api-key": "dk_1", "x-date": format_datetime(clock.now()), "x-signature": "0" * 64}
    request = urllib.request.Request(f"{url}/v1/channels", headers=signed)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=20)
    with caught.value as error:
        assert (error.code, error.headers["Retry-After"]) == (503, "5")
        assert json.load(error)["code"] == "database.unavailable"
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(
            urllib.request.Request(f"{url}/admin/", headers={"Cookie": f"sessionid={'x' * 32}"}), timeout=20
        )
    with caught.value as error:
        assert error.code == 503
        assert b"The database does not answer" in error.read()


def test_readyz_silent_broker_times_out(processes: ProcessGroup) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        _, url = processes.web(REDIS_URL=f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        status, body, seconds = get(f"{url}/readyz")
    assert (status, body["broker"], body["cache"], body["database"]) == (503, False, False, True)
    assert seconds < 15
