"""Errors of the delivery of a notification. Their messages are shown to administrators and name no path of a URL."""


class DeliveryFailed(Exception):
    """The delivery is retried later. `timed_out`: the receiver did not respond."""

    def __init__(self, message: str, *, timed_out: bool) -> None:
        super().__init__(message)
        self.timed_out = timed_out


class NotificationObsolete(Exception):
    """The notification is not sent any more; the message says why."""
