"""Errors of the delivery of a notification. Their messages are shown to administrators and name no path of a URL."""


class DeliveryFailed(Exception):
    """The delivery is retried later.

    `timed_out`: the receiver did not respond. `retry_after`: seconds that it asked to wait. `gone`: it answered 410,
    and nothing more is sent to it.
    """

    def __init__(self, message: str, *, timed_out: bool, retry_after: float | None = None, gone: bool = False) -> None:
        super().__init__(message)
        self.timed_out, self.retry_after, self.gone = timed_out, retry_after, gone


class NotificationObsolete(Exception):
    """The notification is not sent any more; the message says why."""
