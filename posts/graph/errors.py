"""Errors of Graph API calls, one class per way of handling. `posts.graph.error_codes` maps the codes to the classes.

Messages are shown to users. They contain no token and no query string of a URL.
"""

from typing import Any

# 100/33 is returned for deleted objects, for objects hidden from us, and during outages for everything.
UNSEEN = "The platform does not show this post now: it may be deleted or hidden, or the platform is in trouble"
RECONNECT = "a person has to connect the channel again"


class GraphError(Exception):
    """A call failed. `trace` is the platform's id of the failure, for its support.

    `platform_message` is the platform's text for developers, without credentials. It is in English and names refused
    fields; the text for users, which the exception's own message contains, is localised.
    `by_text`: the class follows from the text, because the code alone means something else.
    """

    def __init__(
        self,
        message: str,
        *,
        code: int | None = None,
        subcode: int | None = None,
        trace: str = "",
        platform_message: str = "",
        by_text: bool = False,
    ) -> None:
        super().__init__(message)
        self.code, self.subcode, self.trace = code, subcode, trace
        self.platform_message, self.by_text = platform_message, by_text

    def as_kind(self, kind: "type[GraphError]", message: str = "") -> "GraphError":
        return kind(
            message or str(self),
            code=self.code,
            subcode=self.subcode,
            trace=self.trace,
            platform_message=self.platform_message,
            by_text=self.by_text,
        )

    @property
    def label(self) -> str:
        """Return "190/463", "190", or the name of the class where the code does not determine it."""
        if self.code is None or self.by_text:
            return type(self).__name__
        return f"{self.code}/{self.subcode}" if self.subcode is not None else str(self.code)


class Transient(GraphError):
    """A temporary failure without a visible effect: safe to repeat."""


class CursorLost(Transient):
    """The rest of a listing cannot be read: a cursor is missing or no longer accepted, or the cursors form a cycle."""


class Throttled(GraphError):
    """Rate limited; the call was refused. A call before `retry_after` seconds extends the limit."""

    def __init__(self, message: str, *, retry_after: float, **codes: Any) -> None:
        super().__init__(message, **codes)
        self.retry_after = retry_after


class AuthFailed(GraphError):
    """The token is no longer valid: a person has to connect the channel again."""


class PermissionDenied(GraphError):
    """The token is valid, but lacks a permission."""


class ConfigurationError(GraphError):
    """This installation is configured wrongly, such as with an unknown API version: no channel is at fault."""


class ActionRequired(GraphError):
    """A person has to do something at the platform first; reconnecting does not help."""


class InvalidRequest(GraphError):
    """The request will never be accepted."""


class RemovedFromVersion(InvalidRequest):
    """Code 12: the version of the Graph API that is set no longer has this field or parameter. No content helps."""


class MediaChanged(InvalidRequest):
    """The bytes behind the media URL are not the ones that were approved."""


class UnknownErrorCode(GraphError):
    """The code is not in the table. Not repeated."""


class NotFound(GraphError):
    """100/33: the object is deleted, hidden or another account's, or the platform is in trouble."""


class Duplicate(GraphError):
    """The same content was posted before. After an ambiguous attempt: evidence that the attempt succeeded."""


class PolicyBlock(GraphError):
    """The platform restricts the account. Nothing is published on it until a person resumes it."""


class QuotaReached(GraphError):
    pass


class NotReady(GraphError):
    """The platform is still processing what was staged."""


class RestageRequired(GraphError):
    """What was staged is deleted, expired or broken: stage again."""


class Ambiguous(GraphError):
    """The write may have taken effect. Never repeat it before reading back."""


class ResponseTimeout(Ambiguous):
    """No response in time: the platform may still be processing, and the post may appear late."""


def user_message(error: GraphError) -> str:
    """Return why a read failed, as a sentence without credentials."""
    if isinstance(error, NotFound):
        return UNSEEN
    text = str(error)
    if isinstance(error, AuthFailed) and error.code is not None:
        return f"{text.rstrip('.')}; {RECONNECT}"
    return text
