"""Kombu's transport on Redis, with a client that is kept instead of made anew for each message that is settled."""

from typing import Any

from kombu.transport import redis


class Channel(redis.Channel):
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
    Channel = Channel
