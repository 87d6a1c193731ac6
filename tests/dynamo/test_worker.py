"""What a worker keeps from one task to the next."""

import signal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from kombu import Connection, Producer, Queue

from dynamo.celery import app
from dynamo.celery_redis import Transport
from tests.services.engines import Redis
from tests.services.processes import Process, ProcessGroup, eventually


def held(worker: Process) -> set[tuple[str, int]]:
    """Return the ways to the database that the worker's pool has open: a socket's own port, or a file's number."""
    given = connection.settings_dict
    found = set()
    for item in [item for child in worker.children() for item in (child, *child.children())]:
        if connection.vendor == "sqlite":
            found |= {(str(item.pid), file.fd) for file in item.open_files() if file.path == str(given["NAME"])}
        else:
            sockets = item.net_connections("tcp")
            found |= {(str(item.pid), each.laddr.port) for each in sockets if each.raddr[1:] == (int(given["PORT"]),)}
    return found


@pytest.mark.embedded
@pytest.mark.processes
def test_task_reuses_the_database_connection(processes: ProcessGroup) -> None:
    worker = processes.worker(queues="media")

    def swept(times: int) -> None:
        app.send_task("scheduling.fill_permalinks")
        eventually(lambda: worker.output().count("succeeded in") >= times, what="a task")

    swept(1)
    first = held(worker)
    assert first
    for times in range(2, 5):
        swept(times)
        assert held(worker) == first


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no server that could close a connection")
@pytest.mark.processes
def test_task_after_a_lost_database_connection_succeeds(processes: ProcessGroup) -> None:
    worker = processes.worker(queues="media")
    app.send_task("scheduling.fill_permalinks")
    eventually(lambda: worker.output().count("succeeded in") >= 1, what="a task")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
    app.send_task("scheduling.fill_permalinks")
    eventually(lambda: worker.output().count("succeeded in") >= 2, what="another task")
    assert "Traceback" not in worker.output()


@pytest.mark.processes
def test_worker_with_a_message_survives_a_lost_broker(processes: ProcessGroup) -> None:
    with Redis() as broker:
        worker = processes.worker("--pool", "threads", queues="media", wait=False, REDIS_URL=broker.url)

        def send(**more: Any) -> None:
            with Connection(broker.url, transport=Transport) as connection:
                app.send_task("scheduling.fill_permalinks", connection=connection, **more)

        def done(times: int) -> bool:
            return worker.output().count("succeeded in") == times

        send()
        eventually(lambda: done(1), what="a task")
        send(countdown=600)
        eventually(lambda: worker.output().count("received") == 2, what="a message in hand")
        broker.kill()
        eventually(lambda: "Connection to broker lost" in worker.output(), what="the loss")
        broker.start()
        send()
        eventually(lambda: done(2), what="another task")
        assert worker.popen.poll() is None


def test_failed_acknowledgement_leaves_room_for_the_next_message() -> None:
    options = {"socket_timeout": 5}
    with Redis() as broker, Connection(broker.url, transport=Transport, transport_options=options) as connection:
        channel = connection.channel()
        channel.basic_qos(prefetch_count=1)
        queue = Queue("media", channel=channel)
        queue.declare()
        Producer(channel).publish({}, routing_key="media")
        message = queue.get()
        assert message is not None
        assert not channel.qos.can_consume()
        assert broker.process is not None
        broker.process.send_signal(signal.SIGSTOP)  # as when the network is cut: connections stay, without an answer
        try:
            with pytest.raises(connection.connection_errors):
                message.ack()
        finally:
            broker.process.send_signal(signal.SIGCONT)
        assert channel.qos.can_consume()


@pytest.mark.processes
def test_queue_items_that_are_not_messages_are_dropped_and_logged(processes: ProcessGroup) -> None:
    with Redis() as broker:
        worker = processes.worker("--pool", "threads", wait=False, REDIS_URL=broker.url)
        items = [b"\xff", b"{", b"5", b"{}", b'{"properties": {"delivery_tag": "x"}}', b'{"properties": {}, "body": 1}']
        with Connection(broker.url, transport=Transport) as connection, connection.channel() as channel:
            channel.client.lpush("publishing", *items)
            app.send_task("scheduling.resume", [str(uuid4())], connection=connection)
        eventually(lambda: "succeeded in" in worker.output(), what="a task")
        assert worker.output().count("Dropped a queue item that is not a message") == len(items)
        assert worker.popen.poll() is None
