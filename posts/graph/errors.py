"""How the platform says no, by class of handling. `posts.graph.error_codes` has the table from codes to these classes.

Messages are sentences for people. They never hold a token or the query of a URL.
"""

# 100/33 says the same of what is deleted, what is hidden from us, and during outages of everything.
UNSEEN = "The platform does not show this post now: it may be deleted or hidden, or the platform is in trouble"
RECONNECT = "a person has to connect the channel again"


class GraphError(Exception):
    """A call to the platform failed. `trace` is the platform's own id of the failure, for its support."""

    def __init__(self, message: str, *, code: int | None = None, subcode: int | None = None, trace: str = "") -> None:
        super().__init__(message)
        self.code, self.subcode, self.trace = code, subcode, trace

    @property
    def label(self) -> str:
        """Return what this was in short: "190/463", "190", or without a code the name of the class."""
        if self.code is None:
            return type(self).__name__
        return f"{self.code}/{self.subcode}" if self.subcode is not None else str(self.code)


class Transient(GraphError):
    """It will pass, and nothing that anybody can see was done: safe to repeat."""


class Throttled(GraphError):
    """Too many calls; this one was refused. Another one before `retry_after` seconds makes it last longer."""

    def __init__(
        self,
        message: str,
        *,
        retry_after: float,
        code: int | None = None,
        subcode: int | None = None,
        trace: str = "",
    ) -> None:
        super().__init__(message, code=code, subcode=subcode, trace=trace)
        self.retry_after = retry_after


class AuthFailed(GraphError):
    """The token does not open the account any more: a person has to connect it again."""


class PermissionDenied(GraphError):
    """The token is good, but not for this."""


class InvalidRequest(GraphError):
    """What was sent will never be taken."""


class MediaChanged(InvalidRequest):
    """The bytes behind the media URL are not the ones that were approved."""


class UnknownErrorCode(GraphError):
    """A refusal with a code that the table does not know. Not repeated."""


class NotFound(GraphError):
    """The object is deleted, invisible, foreign, or the platform is confused: 100/33 does not tell."""


class Duplicate(GraphError):
    """The same was posted before. After an unclear attempt: evidence that this one has landed."""


class PolicyBlock(GraphError):
    """The platform holds the account back. Nothing goes through it until a person has looked."""


class QuotaReached(GraphError):
    """The account has used up its posts of the day."""


class NotReady(GraphError):
    """The platform is still processing what was staged."""


class RestageRequired(GraphError):
    """What was staged is gone, expired or spoilt: it takes a new one."""


class Ambiguous(GraphError):
    """Nobody knows whether the write has happened. Never repeat it before reading back."""


class ResponseTimeout(Ambiguous):
    """The platform has not said anything in time: it may still be at work, and what it was asked for appear late."""


def user_message(error: GraphError) -> str:
    """Return why a live read failed, as a sentence without credentials."""
    if isinstance(error, NotFound):
        return UNSEEN
    text = str(error)
    if isinstance(error, AuthFailed) and error.code is not None:
        return f"{text.rstrip('.')}; {RECONNECT}"
    return text
