"""A broken queue item is dropped with a line in the log and ends no worker: on Redis, and in the broker of files."""

import base64
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from kombu import Connection

from dynamo.celery import app
from dynamo.celery_redis import Transport
from tests.services.engines import Redis
from tests.services.processes import ProcessGroup, eventually

pytestmark = [pytest.mark.embedded, pytest.mark.processes]
TASK = "scheduling.resume"


def message(body: Any = None, *, raw: str | None = None, properties: Any = None, **headers: Any) -> bytes:
    """Return a queue item as Celery writes it, with other headers, properties or body."""
    encoded = base64.b64encode(json.dumps([["1"], {}, {}] if body is None else body).encode()).decode()
    given = {"lang": "py", "task": TASK, "id": str(uuid4()), "root_id": None, "parent_id": None, "retries": 0}
    kept = {name: value for name, value in {**given, **headers}.items() if value != "missing"}
    usual = {
        "delivery_mode": 2, "priority": 0, "body_encoding": "base64", "delivery_tag": str(uuid4()),
        "delivery_info": {"exchange": "celery", "routing_key": "publishing"},
    }  # fmt: skip
    item = {
        "body": encoded if raw is None else raw,
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": kept,
        "properties": {**usual, **(properties or {})},
    }
    return json.dumps(item).encode()


def without(name: str, **replaced: Any) -> bytes:
    item = {**json.loads(message()), **replaced}
    item.pop(name, None)
    return json.dumps(item).encode()


NO_MESSAGE = [
    b"garbage", b"[1]", b"\xff", b"{", b"5", b"null", b'""', b"{}", b"[" * 100_000, b'{"properties": {}, "body": 1}',
    message(raw="x", properties={"body_encoding": "rot13"}),
    without("x", headers=[1]), without("x", headers="x"),
    *(message(properties={"delivery_tag": tag}) for tag in (None, 5, True, [1], {})),
    *(message(properties={"delivery_info": info}) for info in (None, "x", {}, {"exchange": 1, "routing_key": []})),
]  # fmt: skip
NO_TASK = [
    message(task="scheduling.no_such_task"), message(task=None), message(task=[1]), message(task="missing"),
    message(id="missing"), message(id=[1]), message(eta="tomorrow"), message(eta=5), message(expires={}),
    message(timelimit=5), message(body=[]), message(body=[1, 2]), message(body=5), message(body={"args": 1}),
    message(raw=""), message(raw="%%%"),
    *(message(raw=base64.b64encode(body).decode()) for body in (b"{", b"null", b"[" * 100_000)),
    without("headers"), without("content-type"),
    without("x", **{"content-type": "application/x-python-serialize"}),
]  # fmt: skip
WRONG_ARGUMENTS = [
    message(body=[[], {}, {}]), message(body=[["x"], {"y": 1}, {}]), message(body=[[[1]], {}, {}]),
    message(body=[["not a UUID"], {}, {}]), message(body=[5, {}, {}]), message(body=[["1"], 5, {}]),
]  # fmt: skip
ITEMS = [*NO_MESSAGE, *NO_TASK, *WRONG_ARGUMENTS]


def insert(url: str) -> None:
    """Put the items before everything else in the queue, then a task that succeeds."""
    if url:
        with Connection(url, transport=Transport) as connection, connection.channel() as channel:
            for item in ITEMS:
                channel.client.lpush("publishing", item)
            app.send_task(TASK, [str(uuid4())], connection=connection)
        return
    folder = Path(settings.CELERY_BROKER_TRANSPORT_OPTIONS["data_folder_in"])
    for number, item in enumerate(ITEMS):
        (folder / f"0_{number}.publishing.msg").write_bytes(item)
    app.send_task(TASK, [str(uuid4())])


def test_broken_queue_items_end_no_worker_a20(processes: ProcessGroup) -> None:
    def check(url: str, **environment: str) -> None:
        insert(url)
        worker = processes.worker("--pool", "threads", concurrency=2, wait=False, **environment)
        eventually(lambda: "succeeded in" in worker.output(), within=120, what="a task after the broken ones")
        dropped = [line for line in worker.output().splitlines() if " Dropped " in line and "not a message" in line]
        assert len(dropped) == len(NO_MESSAGE)
        assert worker.popen.poll() is None

    if not settings.REDIS_URL:
        check("")
        return
    with Redis() as broker:
        check(broker.url, REDIS_URL=broker.url)
