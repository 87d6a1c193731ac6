"""How the domain says no. The API and the desk translate these; they carry no HTTP."""

from typing import Any


class DomainError(Exception):
    """A rule said no. `message` is a sentence for a person; `details` is JSON for a program."""

    def __init__(self, message: str, details: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class Invalid(DomainError):
    """The content breaks a rule of the model or of the platform."""


class Incomplete(DomainError):
    """A superpower's template lacks something that it needs."""


class Conflict(DomainError):
    """The world has moved on, or the thing is taken."""


class StaleVersion(DomainError):
    """The caller holds an old version."""


class Forbidden(DomainError):
    """This actor may not do this."""
