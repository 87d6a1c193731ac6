"""The embedded broker: kombu's filesystem transport, made safe for several processes.

kombu writes a message into a file that a consumer may already be reading, and a worker that reads half a message
dies. Here a file appears whole or not at all (written beside, then renamed), a message is taken by one rename in the
same folder, and the table of bindings changes under a lock. `dynamo.celery` puts it in the place of kombu's.
"""

import fcntl
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

Binding = tuple[str, str, str]  # routing key, pattern, queue


def write_whole(path: Path, content: str) -> None:
    """Put `content` at `path` in one step. The name that it is written under belongs to no queue."""
    fresh = path.with_name(f".{uuid4().hex}")
    fresh.write_text(content, encoding="utf-8")
    fresh.replace(path)


class Channel(filesystem.Channel):
    """Queues as folders of files, one message each, taken in the order of their names."""

    def _put(self, queue: str, message: Any, **_: Any) -> None:  # type: ignore[override]  # two stubs, two names
        name = f"{round(monotonic() * 1000)}_{uuid4()}.{queue}.msg"
        write_whole(Path(self.data_folder_out, name), dumps(message))

    def _get(self, queue: str, timeout: float | None = None) -> Any:  # noqa: ARG002  polled, so it never waits
        for name in sorted(os.listdir(self.data_folder_in)):
            if name.startswith(".") or name.partition(".")[2] != f"{queue}.msg":
                continue
            mine = Path(self.data_folder_in, f".{uuid4().hex}")
            try:
                Path(self.data_folder_in, name).rename(mine)
            except FileNotFoundError:
                continue  # another consumer was quicker
            message = mine.read_text(encoding="utf-8")
            mine.unlink()
            return loads(message)
        raise Empty

    def get_table(self, exchange: str) -> list[Binding]:  # type: ignore[override]  # as the base of the base has it
        """Return what is bound to the exchange."""
        try:
            content = self._table(exchange).read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        return [(key, pattern, queue) for key, pattern, queue in loads(content)]

    def _put_fanout(self, exchange: str, payload: Any, routing_key: str, **_: Any) -> None:  # noqa: ARG002  for all
        for _key, _pattern, queue in self.get_table(exchange):
            self._put(queue, payload)

    def _queue_bind(self, exchange: str, routing_key: str | None, pattern: str | None, queue: str) -> None:
        binding = (routing_key or "", pattern or "", queue or "")
        with self._changing(exchange) as table:
            if binding not in table:
                table.insert(0, binding)

    def _delete(self, queue: str, *binding: Any, **_: Any) -> None:
        """Remove a queue: `binding` is the exchange, the routing key and the pattern that it was bound by."""
        self._purge(queue)
        exchange, key, pattern = binding[:3]
        with self._changing(exchange) as table:
            if (key or "", pattern or "", queue) in table:
                table.remove((key or "", pattern or "", queue))

    def _table(self, exchange: str) -> Path:
        # The name becomes a file's, so it may hold nothing that leads elsewhere.
        if not re.fullmatch(r"(?!\.)[A-Za-z0-9._-]*", exchange):
            raise ChannelError(f"Invalid exchange name: {exchange!r}")
        return Path(self.control_folder, f"{exchange}.exchange")

    @contextmanager
    def _changing(self, exchange: str) -> Iterator[list[Binding]]:
        with Path(self.control_folder, ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            table = self.get_table(exchange)
            before = list(table)
            yield table
            if table != before:
                write_whole(self._table(exchange), dumps(table))


class Transport(filesystem.Transport):
    """What `filesystem://` means to this product."""

    Channel = Channel
