"""The web's processes share its connections."""

import http.client
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from urllib.parse import urlsplit

import psutil
import pytest

from dynamo import shares
from dynamo.shares import IMPATIENT, PROCESSES, YIELD, Shares, Turn
from tests.processes import Company, Process, eventually

CLIENTS = 30


def test_each_process_sees_the_least_of_the_others_that_have_said_something_lately(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = Shares()
    assert held.least(1) is None
    for number, count in ((1, 5), (2, 7), (PROCESSES + 3, 6)):
        held.tell(number, count)
    assert [held.least(one) for one in (1, 2, 3, 4)] == [6, 5, 5, 5]
    held.tell(1, 9)
    assert held.least(2) == 6
    monkeypatch.setattr(shares, "SILENT", -1)
    assert held.least(2) is None


def test_what_a_child_says_its_siblings_see() -> None:
    held = Shares()
    if not (child := os.fork()):
        held.tell(1, 3)
        os._exit(0)
    os.waitpid(child, 0)
    assert held.least(2) == 3


def test_a_connection_is_left_to_whoever_holds_less_for_a_moment_each(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(shares, "time", SimpleNamespace(monotonic=lambda: now[0]))
    held = Shares()
    turn = Turn(held, 1)
    assert not turn.is_anothers(10)
    held.tell(2, 3)
    assert (turn.is_anothers(3), turn.is_anothers(4)) == (False, True)
    now[0] += 1  # it was taken; the next one is left as well
    assert turn.is_anothers(4)
    now[0] += YIELD / 2
    assert turn.is_anothers(4)
    now[0] += YIELD
    assert not turn.is_anothers(4), "nobody takes it"
    now[0] += IMPATIENT / 2
    assert not turn.is_anothers(4), "nobody took the one before"
    now[0] += IMPATIENT
    assert turn.is_anothers(4)
    held.leave(2)
    assert not turn.is_anothers(4)


def held_by(web: Process, port: int) -> list[int]:
    """Return how many connections each process of the web holds."""
    return [
        sum(one.status == psutil.CONN_ESTABLISHED and one.laddr.port == port for one in process.net_connections("tcp"))
        for process in psutil.Process(web.popen.pid).children()
    ]


@contextmanager
def crowd(port: int) -> Iterator[list[http.client.HTTPConnection]]:
    """Clients that have connected, and have not asked anything yet."""
    with ExitStack() as open_:
        clients = [http.client.HTTPConnection("127.0.0.1", port, timeout=20) for _ in range(CLIENTS)]
        for client in clients:
            open_.callback(client.close)
            client.connect()
        yield clients


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
def test_clients_that_stay_are_spread_over_the_processes(processes: Company) -> None:
    web, url = processes.web(DYNAMO_WEB_WORKERS="2")
    port = int(urlsplit(url).port or 0)

    def taken() -> list[int]:
        with crowd(port):
            eventually(lambda: sum(held_by(web, port)) >= CLIENTS, what="all are taken in")
            return held_by(web, port)

    eventually(lambda: min(taken()) > 0, what="both processes have begun")
    assert min(taken()) >= CLIENTS // 3


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
def test_a_process_that_hangs_has_its_part_taken_by_the_other(processes: Company) -> None:
    web, url = processes.web(DYNAMO_WEB_WORKERS="2")
    hanging = psutil.Process(web.popen.pid).children()[0]
    hanging.suspend()
    try:
        with crowd(int(urlsplit(url).port or 0)) as clients:
            for client in clients:
                client.request("GET", "/healthz", headers={"host": "127.0.0.1"})
                assert client.getresponse().status == 200
    finally:
        hanging.resume()
