"""Why a notice did not arrive, whichever way it was sent."""


class NotArrived(Exception):
    """It did not arrive, and may at another try. `silent`: nobody answered. The message names no path."""

    def __init__(self, message: str, *, silent: bool) -> None:
        super().__init__(message)
        self.silent = silent


class Moot(Exception):
    """There is no point in sending it any more; the message says why."""
