"""Is the broker there? Asked with a short limit of our own: sockets have limits, looking up a name has none."""

import threading

from celery import current_app

LIMIT = 1  # seconds; a broker next door answers within milliseconds
SHORT = {"socket_timeout": LIMIT, "socket_connect_timeout": LIMIT, "retry_on_timeout": False}
_asking = threading.Lock()


def answers() -> bool:
    """Whether the broker takes messages now. Never raises, and never takes longer than twice the limit.

    While one question hangs the next ones are answered at once, with no.
    """
    if not _asking.acquire(timeout=LIMIT):
        return False
    said: list[bool] = []

    def ask() -> None:
        try:
            said.append(_ask())
        finally:
            _asking.release()

    one = threading.Thread(target=ask, name="broker-question", daemon=True)
    one.start()
    one.join(LIMIT * 2)
    return bool(said) and said[0]


def _ask() -> bool:
    options = SHORT if current_app.conf.broker_url.startswith("redis") else {}
    try:
        with current_app.connection_for_write(connect_timeout=LIMIT, transport_options=options) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=LIMIT)
            with connection.channel():
                return True
    except Exception:  # noqa: BLE001  each transport has errors of its own, and all of them mean no
        return False
