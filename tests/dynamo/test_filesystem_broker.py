"""The embedded broker under several processes at once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from kombu import Connection, Exchange, Queue

from dynamo.filesystem_broker import Transport

COUNT = 300
WORK = """
import os, sys, time, socket
from queue import Empty
from kombu import Connection, Exchange, Queue
from dynamo.filesystem_broker import Transport
role, folder, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
options = {"data_folder_in": folder, "data_folder_out": folder, "control_folder": folder + "/control",
           "polling_interval": 0.001}
queue = Queue("work", Exchange("work"), routing_key="work")
with Connection("filesystem://localhost", transport=Transport, transport_options=options) as connection:
    if role == "put":
        with connection.Producer() as producer:
            for number in range(count):
                body = {"n": number, "text": "x" * 20000}
                producer.publish(body, exchange="work", routing_key="work", declare=[queue])
    else:
        simple, idle = connection.SimpleQueue(queue), 0
        while idle < 20 or not os.path.exists(f"{folder}/done"):
            try:
                message = simple.get(timeout=0.1)
            except (Empty, socket.timeout):
                idle += 1
                continue
            message.ack()
            idle = 0
            print(message.payload["n"])
"""


def connect(folder: Path) -> Connection:
    options = {"data_folder_in": str(folder), "data_folder_out": str(folder), "control_folder": str(folder / "control")}
    return Connection("filesystem://localhost", transport=Transport, transport_options=options)


def test_message_between_processes_arrives_once(tmp_path: Path) -> None:
    (tmp_path / "control").mkdir()

    def run(role: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", WORK, role, str(tmp_path), str(COUNT)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    readers, writer = [run("get"), run("get")], run("put")
    assert writer.communicate(timeout=240) == ("", "")
    (tmp_path / "done").touch()
    outputs = [reader.communicate(timeout=240) for reader in readers]
    assert [errors for _, errors in outputs] == ["", ""]
    assert sorted(int(n) for out, _ in outputs for n in out.split()) == list(range(COUNT))


def test_concurrent_bindings_are_kept(tmp_path: Path) -> None:
    (tmp_path / "control").mkdir()
    exchange = Exchange("news", type="fanout")
    with connect(tmp_path) as one, connect(tmp_path) as other:
        for number in range(5):
            for connection in (one, other):
                Queue(f"q{number}", exchange)(connection.default_channel).declare()
        rows = json.loads((tmp_path / "control" / "news.exchange").read_text())
        assert sorted(row[2] for row in rows) == [f"q{number}" for number in range(5)]
        Queue("q3", exchange)(one.default_channel).delete()
        with one.Producer() as producer:
            producer.publish({"text": "to all"}, exchange="news")
        assert sorted(path.name.split(".")[1] for path in tmp_path.glob("*.msg")) == ["q0", "q1", "q2", "q4"]


def test_a_file_that_is_not_a_message_is_dropped_and_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "control").mkdir()
    for number, content in enumerate((b"", b"\xff", b"{", b"5", b"{}", b'{"properties": {}}')):
        (tmp_path / f"0{number}_x.work.msg").write_bytes(content)
    with connect(tmp_path) as connection, connection.channel() as channel:
        queue = Queue("work", Exchange("work"), routing_key="work")
        connection.Producer(channel).publish({"n": 1}, exchange="work", routing_key="work", declare=[queue])
        message = queue(channel).get()
        assert message is not None
        assert message.payload == {"n": 1}
        message.ack()
    assert not list(tmp_path.glob("*.msg"))
    assert [record.levelname for record in caplog.records] == ["ERROR"] * 6
