"""Errors of the domain. The API and the admin translate them to responses; they contain no HTTP."""

from typing import Any


class DomainError(Exception):
    """A rule refused the operation. `message` is a sentence for the user; `details` is JSON for programs."""

    def __init__(self, message: str, details: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class Invalid(DomainError):
    """The input breaks a rule of the model or of the platform."""


class Incomplete(DomainError):
    """A superpower's template lacks a required part."""


class Conflict(DomainError):
    """The state does not allow the operation, or another user changed it concurrently, or a name is in use."""


class ExternalIdInUse(Conflict):
    """Another post of the organization has the client's id."""

    code = "external_id.in_use"


class TooLarge(DomainError):
    """A file, or what the organization stores with it, exceeds a limit."""


class StaleVersion(DomainError):
    """The caller's version is not the current one."""


class Forbidden(DomainError):
    """The actor lacks the permission."""
