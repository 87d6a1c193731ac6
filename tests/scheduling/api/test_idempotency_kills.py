"""Requests with one Idempotency-Key, many times in parallel, while the web server's processes are killed.

DYNAMO_IDEMPOTENCY_REQUESTS is how often one key is sent, for a longer run.
"""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
import requests

from accounts.models import IdempotencyKey
from scheduling.models import ScheduledPost
from tests.helpers import SignedClient
from tests.services.processes import Process, ProcessGroup, eventually

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]
MANY = int(os.environ.get("DYNAMO_IDEMPOTENCY_REQUESTS", "0"))
ROUNDS, TIMES = (1, MANY) if MANY else (4, 20)
THREADS = min(64, max(8, TIMES // 20))
UNLIMITED = {"DYNAMO_API_RATE_PER_MINUTE": "0", "DYNAMO_API_RATE_PER_ADDRESS": "0", "DYNAMO_WEB_WORKERS": "2"}


def create(api: SignedClient, url: str, name: str, created: list[str]) -> requests.Response:
    """Send the request until it is answered with 201, as a client does that retries; add `name` to `created`."""
    while True:
        headers = {**api.signature(), "Idempotency-Key": name}
        with suppress(requests.RequestException):
            answer = requests.post(f"{url}/v1/scheduled-posts", json={"media": name}, headers=headers, timeout=30)
            assert answer.status_code in {201, 409}, answer.text
            if answer.status_code == 201:
                created.append(name)
                return answer


def kill_workers(web: Process, done: threading.Event, created: list[str]) -> int:
    """Kill one of the web server's two workers after each answer, at most one a second, until `done`; return how many.

    Without the answer a busy machine, on which a worker starts for more than a second, would never answer at all.
    """
    killed = 0
    while not killed or not done.is_set():
        eventually(lambda: len(web.children()) == 2)
        before = len(created)
        web.children()[0].kill()
        killed += 1
        eventually(lambda before=before: done.is_set() or len(created) > before)
        done.wait(1)
    return killed


def test_killed_web_workers_make_one_post_for_each_key_i1(processes: ProcessGroup, api: SignedClient) -> None:
    web, url = processes.web(**UNLIMITED)
    names = [f"k{number}" for number in range(ROUNDS)]
    answers: dict[str, list[Any]] = {}
    with ThreadPoolExecutor(THREADS + 1) as pool:
        for name in names:
            began, done = time.monotonic(), threading.Event()
            created: list[str] = []
            killed = pool.submit(kill_workers, web, done, created)
            answers[name] = list(pool.map(lambda _, name=name, to=created: create(api, url, name, to), range(TIMES)))
            done.set()
            replayed = sum("Idempotency-Replayed" in answer.headers for answer in answers[name])
            seconds = time.monotonic() - began
            numbers = f"{killed.result()} workers killed, {replayed} answers replayed"
            print(f"{TIMES} requests in {seconds:.0f} s, {numbers}", flush=True)
    assert [len({answer.content for answer in answers[name]}) for name in names] == [1] * ROUNDS
    assert sorted(ScheduledPost.objects.values_list("media", flat=True)) == names
    assert IdempotencyKey.objects.count() == ROUNDS
