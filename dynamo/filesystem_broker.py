"""The embedded broker: kombu's filesystem transport, made safe for several processes.

kombu writes a message into a file that a consumer may already be reading. Here a file is written under a hidden name
and then renamed, a consumer takes a message with one rename in the same folder, and the table of bindings changes
under a lock. `dynamo.celery` registers it for `filesystem://`.
"""

import fcntl
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty
from time import monotonic
from typing import Any
from uuid import uuid4

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps, loads

from dynamo.celery_messages import NOT_A_MESSAGE, Message

Binding = tuple[str, str, str]  # routing key, pattern, queue

log = logging.getLogger(__name__)


def write_atomically(path: Path, content: str) -> None:
    """Write `content` to `path` so that a reader sees all of it or nothing."""
    temporary = path.with_name(f".{uuid4().hex}")  # a hidden name belongs to no queue
    temporary.write_text(content, encoding="utf-8")
    temporary.replace(path)


class Channel(filesystem.Channel):
    """Queues as folders of files with one message each, delivered in the order of their names."""

    Message = Message

    def _put(self, queue: str, message: Any, **_: Any) -> None:  # type: ignore[override]  # the stubs name it payload
        name = f"{round(monotonic() * 1000)}_{uuid4()}.{queue}.msg"
        write_atomically(Path(self.data_folder_out, name), dumps(message))

    def _get(self, queue: str, timeout: float | None = None) -> Any:  # noqa: ARG002  polled, so it never waits
        """Return the next message. A file that is not a message is deleted and logged. Raises Empty."""
        for name in sorted(os.listdir(self.data_folder_in)):
            if name.startswith(".") or name.partition(".")[2] != f"{queue}.msg":
                continue
            claimed = Path(self.data_folder_in, f".{uuid4().hex}")
            try:
                Path(self.data_folder_in, name).rename(claimed)
            except FileNotFoundError:
                continue  # another consumer took it
            content = claimed.read_bytes()
            claimed.unlink()
            try:
                message = loads(content.decode())
                self.Message(message, channel=self)  # raises what would otherwise end the worker
            except NOT_A_MESSAGE as error:
                log.error("Dropped %s, which is not a message: %s", name, type(error).__name__)  # noqa: TRY400
                continue
            return message
        raise Empty

    def get_table(self, exchange: str) -> list[Binding]:  # type: ignore[override]  # plain tuples, as virtual.Channel
        """Return the bindings of the exchange."""
        try:
            content = self._exchange_path(exchange).read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        return [(key, pattern, queue) for key, pattern, queue in loads(content)]

    def _put_fanout(self, exchange: str, payload: Any, routing_key: str, **_: Any) -> None:  # noqa: ARG002  fanout
        for _key, _pattern, queue in self.get_table(exchange):
            self._put(queue, payload)

    def _queue_bind(self, exchange: str, routing_key: str | None, pattern: str | None, queue: str) -> None:
        binding = (routing_key or "", pattern or "", queue or "")
        with self._locked_table(exchange) as table:
            if binding not in table:
                table.insert(0, binding)

    def _delete(self, queue: str, *binding: Any, **_: Any) -> None:
        """Delete a queue. `binding` is its exchange, routing key and pattern."""
        self._purge(queue)
        exchange, key, pattern = binding[:3]
        with self._locked_table(exchange) as table:
            if (key or "", pattern or "", queue) in table:
                table.remove((key or "", pattern or "", queue))

    def _exchange_path(self, exchange: str) -> Path:
        # The name becomes a file name, so it may hold nothing that leads to another folder.
        if not re.fullmatch(r"(?!\.)[A-Za-z0-9._-]*", exchange):
            raise ChannelError(f"Invalid exchange name: {exchange!r}")
        return Path(self.control_folder, f"{exchange}.exchange")

    @contextmanager
    def _locked_table(self, exchange: str) -> Iterator[list[Binding]]:
        with Path(self.control_folder, ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            table = self.get_table(exchange)
            before = list(table)
            yield table
            if table != before:
                write_atomically(self._exchange_path(exchange), dumps(table))


class Transport(filesystem.Transport):
    Channel = Channel
