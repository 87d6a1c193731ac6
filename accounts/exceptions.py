"""How the domain says no. The API and the desk translate these; they carry no HTTP."""

from typing import Any


class Refusal(Exception):
    """A rule said no. `message` is a sentence for a person; `details` is JSON for a program."""

    def __init__(self, message: str, details: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class Invalid(Refusal):
    """The content breaks a rule of the model or of the platform."""


class Incomplete(Refusal):
    """A superpower's template lacks something that it needs."""


class Conflict(Refusal):
    """The world has moved on, or the thing is taken."""


class Stale(Refusal):
    """The caller holds an old version."""


class Forbidden(Refusal):
    """This actor may not do this."""
