"""Errors of the domain. The API and the admin translate them to responses; they contain no HTTP."""

from typing import Any, ClassVar


class DomainError(Exception):
    """A rule refused the operation. `message` is a sentence for the user; `details` is JSON for programs.

    `code` is a stable word for programs: the given one, else the first violation's in `details`, else the class's.
    """

    default_code: ClassVar[str] = "refused"

    def __init__(self, message: str, details: Any = None, *, code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.details = details
        violation: Any = details[0] if isinstance(details, list) and details else {}
        self.code = code or violation.get("code") or self.default_code


class Invalid(DomainError):
    """The input breaks a rule of the model or of the platform."""

    default_code = "invalid"


class Incomplete(DomainError):
    """A superpower's template lacks a required part."""

    default_code = "superpower.incomplete"


class Conflict(DomainError):
    """The state does not allow the operation, or another user changed it concurrently, or a name is in use."""

    default_code = "conflict"


class ExternalIdInUse(Conflict):
    """Another post of the organization has the client's id."""

    default_code = "external_id.in_use"


class TooLarge(DomainError):
    """A file, or what the organization stores with it, exceeds a limit."""

    default_code = "media.size"


class StaleVersion(DomainError):
    """The caller's version is not the current one."""

    default_code = "precondition.failed"


class VersionRequired(DomainError):
    """The organization requires that the caller names the version that it has read."""

    default_code = "precondition.required"


class Forbidden(DomainError):
    """The actor lacks the permission."""

    default_code = "forbidden"
