"""Kombu's Redis transport, with two fixes that keep a Celery worker alive.

* Lost broker: kombu 5.7 restores unacknowledged messages on a connection that is already closed, and the AttributeError
  ends the worker. No upstream issue is known.
* A queue item that is not a message: decoding it raises in the event loop, which ends every worker that receives it.
  https://github.com/celery/kombu/issues/2421 describes the same for SQS; none is known for Redis.

Check with each new version of kombu whether the fixes are still needed: `tests/dynamo/test_worker.py` has both cases.
"""

import logging
from typing import Any

from kombu.transport import redis, virtual

log = logging.getLogger(__name__)


class QoS(redis.QoS):
    def restore_unacked(self, client: Any = None) -> None:
        """Restore unacknowledged messages. Without a connection they are dropped: the next sweep enqueues the posts."""
        if getattr(self.channel.connection, "client", None) is None:
            delivered: Any = self._delivered
            delivered.clear()
            return
        super().restore_unacked(client)


class Message(virtual.Message):
    def __init__(self, payload: Any, channel: Any = None, **kwargs: Any) -> None:
        """Raise ValueError for a payload that is not a message."""
        try:
            super().__init__(payload, channel=channel, **kwargs)
            hash((self.delivery_tag, self.delivery_info["exchange"], self.delivery_info["routing_key"]))
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError("Not a message") from error


class Channel(redis.Channel):
    QoS = QoS
    Message = Message

    def _brpop_read(self, **options: Any) -> bool:
        """Read one item and deliver it. An item that is not a message is dropped and logged."""
        read: Any = super()._brpop_read  # type: ignore[misc]  # the stubs lack it
        try:
            return bool(read(**options))
        except ValueError as error:  # invalid JSON or UTF-8, or Message above
            log.error("Dropped a queue item that is not a message: %s", type(error).__name__)  # noqa: TRY400
            return True


class Transport(redis.Transport):
    Channel = Channel
