"""Kombu's transport on Redis, with two differences.

A client is kept instead of made anew for each message that is settled. And a worker outlives its broker: kombu 5.7 asks
a connection that is closed already to take back what the worker had in hand, and the worker ends with that.
"""

from typing import Any

from kombu.transport import redis


class QoS(redis.QoS):
    """What a channel has in hand."""

    def restore_unacked(self, client: Any = None) -> None:
        """Give back what is in hand, unless nobody is there to take it: then the sweep finds it again."""
        if getattr(self.channel.connection, "client", None) is None:
            held: Any = self._delivered
            held.clear()
            return
        super().restore_unacked(client)


class Channel(redis.Channel):
    """A channel with one client for each pool of connections."""

    QoS = QoS
    _kept: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:  # noqa: FBT001, FBT002  kombu's signature
        """Return a client on the pool as it is now: after a lost connection there is another pool."""
        if asynchronous:
            return self._made(asynchronous=True)
        if self._kept is None or self._kept.connection_pool is not self.pool:
            self._kept = self._made(asynchronous=False)
        return self._kept

    def _made(self, *, asynchronous: bool) -> Any:
        make: Any = super()._create_client  # type: ignore[misc]  # the stubs do not know it
        return make(asynchronous)


class Transport(redis.Transport):
    """The one that the application names for redis:// and rediss://."""

    Channel = Channel
