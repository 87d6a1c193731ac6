"""Kombu's Redis transport, with three fixes that keep a Celery worker alive.

* Lost broker: kombu 5.7 restores unacknowledged messages on a connection that is already closed, and the AttributeError
  ends the worker. No upstream issue is known.
* An acknowledgement that fails while the connection for new messages lasts, as when the network is cut for seconds. For
  kombu 5.7 the message stays unacknowledged, and after as many as there are threads the worker takes none any more. No
  upstream issue is known.
* A queue item that is not a message: decoding it raises in the event loop, which ends every worker that receives it
  (see `celery_messages`).

Check with each new version of kombu whether the fixes are still needed: `tests/dynamo/test_worker.py` and
`test_broken_messages.py` have the cases.
"""

import logging
from typing import Any

from kombu.transport import redis, virtual

from dynamo.celery_messages import NOT_A_MESSAGE, Message

log = logging.getLogger(__name__)


class QoS(redis.QoS):
    def ack(self, delivery_tag: str) -> None:
        """Acknowledge a message; when Redis does not answer, it counts as acknowledged here.

        Redis delivers it again after the visibility timeout, which is harmless.
        """
        try:
            super().ack(delivery_tag)
        except Exception:
            virtual.QoS.ack(self, delivery_tag)
            raise

    def restore_unacked(self, client: Any = None) -> None:
        """Restore unacknowledged messages. Without a connection they are dropped: the next sweep enqueues the posts."""
        if getattr(self.channel.connection, "client", None) is None:
            delivered: Any = self._delivered
            delivered.clear()
            return
        super().restore_unacked(client)


class Channel(redis.Channel):
    QoS = QoS
    Message = Message

    def _brpop_read(self, **options: Any) -> bool:
        """Read one item and deliver it. An item that is not a message is dropped and logged."""
        read: Any = super()._brpop_read  # type: ignore[misc]  # the stubs lack it
        try:
            return bool(read(**options))
        except NOT_A_MESSAGE as error:
            log.error("Dropped a queue item that is not a message: %s", type(error).__name__)  # noqa: TRY400
            return True


class Transport(redis.Transport):
    Channel = Channel
