"""The platform's error responses, and the errors that several handlers use.

Sources: Meta's error reference and recorded responses. Clients must classify by code and subcode, because the platform
localises the texts for users; a fault does the same here.
"""

from typing import Any

INVALID_TOKEN = {102, 104, 190, 2500}
DENIED = {3, 10, *range(200, 300)}


class InvalidControl(ValueError):
    """A control call is not valid; the message is the reason."""


class Refusal(Exception):
    """An error response: `kind` is the platform's `type`, `shown` the title and text for the user."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        subcode: int | None = None,
        status: int = 400,
        kind: str = "OAuthException",
        shown: tuple[str, str] | None = None,
        data: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code, self.subcode, self.status, self.kind = code, subcode, status, kind
        self.message, self.shown, self.data = message, shown, data

    def body(self, trace: str) -> dict[str, Any]:
        error: dict[str, Any] = {"message": self.message, "type": self.kind, "code": self.code}
        if self.data is not None:
            error["error_data"] = self.data
        if self.subcode is not None:
            # False even for errors that a retry resolves: recorded for 9004/2207052 and 9007/2207027.
            error |= {"error_subcode": self.subcode, "is_transient": self.code in {1, 2}}
        if self.shown:
            error |= {"error_user_title": self.shown[0], "error_user_msg": self.shown[1]}
        return {"error": error | {"fbtrace_id": trace}}

    def challenge(self) -> str:
        """Return the WWW-Authenticate header of error responses."""
        reason = "invalid_request"
        if self.code in INVALID_TOKEN:
            reason = "invalid_token"
        elif self.code in DENIED:
            reason = "access_denied"
        plain = self.message.replace('"', "'").encode("ascii", "replace").decode().replace("\n", " ")
        return f'OAuth "Facebook Platform" "{reason}" "{plain}"'


class UploadRefusal(Refusal):
    """An error response of the upload host: `name` is its `type`. Names and statuses: graph-api, section 11a."""

    def __init__(self, name: str, message: str, *, status: int = 400, retriable: bool = False) -> None:
        super().__init__(100, message, status=status)
        self.name, self.retriable = name, retriable

    @classmethod
    def of(cls, refusal: Refusal) -> "UploadRefusal":
        """Return the error in the upload host's shape. Which type it has there is our choice."""
        if isinstance(refusal, cls):
            return refusal
        temporary = refusal.status >= 500
        name = "ProcessingFailedError" if temporary else "ParameterValidationError"
        return cls(name, refusal.message, status=refusal.status if temporary else 400, retriable=temporary)

    def body(self, trace: str) -> dict[str, Any]:
        del trace
        return {"debug_info": {"retriable": self.retriable, "type": self.name, "message": self.message}}


def partial_upload() -> UploadRefusal:
    text = "Partial request (did not match length of file)"
    return UploadRefusal("PartialRequestError", text, status=206, retriable=True)


def invalid(message: str, subcode: int | None = None) -> Refusal:
    return Refusal(100, f"(#100) {message}", subcode=subcode)


def missing(method: str, node_id: str) -> Refusal:
    """100/33: the same for deleted, invisible, other accounts' and unknown nodes."""
    return Refusal(
        100,
        f"Unsupported {method.lower()} request. Object with ID '{node_id}' does not exist, cannot be loaded due to "
        "missing permissions, or does not support this operation. Please read the Graph API documentation at "
        "https://developers.facebook.com/docs/graph-api",
        subcode=33,
        kind="GraphMethodException",
    )


def unknown_path(path: str) -> Refusal:
    return Refusal(2500, f"Unknown path components: {path}")


def unknown_field(name: str, node_type: str) -> Refusal:
    return invalid(f"Tried accessing nonexisting field ({name}) on node type ({node_type})")


def denied(scope: str) -> Refusal:
    requirement = f"the app requires the {scope} permission with the role of the token's user on the account"
    return Refusal(200, f"(#200) If posting to or reading from this object, {requirement}", status=403)


def expired_token() -> Refusal:
    expired = "Session has expired on Saturday, 13-Jun-26 05:00:00 PDT"
    current = "The current time is Saturday, 13-Jun-26 06:12:44 PDT"
    return Refusal(190, f"Error validating access token: {expired}. {current}.", subcode=463)


def media_not_fetched(why: str, code: int = 9004) -> Refusal:
    title = "Media download has failed. The media URI doesn't meet our requirements."
    shown = (title, f"The media could not be fetched from this URI: {why}")
    return Refusal(code, "Only photo or video can be accepted as media type.", subcode=2207052, shown=shown)


def not_ready() -> Refusal:
    shown = ("Cannot publish", "The media is not ready for publishing, please wait for a moment")
    return Refusal(9007, "Media ID is not available", subcode=2207027, shown=shown)


def no_such_container() -> Refusal:
    text = "The media builder with this creation id does not exist, was used, or has expired."
    shown = ("Creation ID is invalid", text)
    return Refusal(24, "The requested resource does not exist", subcode=2207008, shown=shown)


def quota_reached() -> Refusal:
    text = "You reached the maximum number of posts that is allowed to be published by content publishing API."
    shown = ("You cannot post any more", text)
    return Refusal(9, "Application request limit reached", subcode=2207042, shown=shown)


def reels_used_up() -> Refusal:
    """The limit is documented, its error is not: the code is our choice."""
    return Refusal(9, "(#9) The Page has reached the number of reels that can be published by API in 24 hours")


def already_posted() -> Refusal:
    return Refusal(368, "You've already posted this. Try posting something different.")


def publishing_authorization() -> Refusal:
    text = "To continue to manage your Page, complete Page Publishing Authorization."
    shown = ("Page Publishing Authorization Required", text)
    return Refusal(368, "The action attempted is not allowed", subcode=1404078, status=403, shown=shown)


def looks_like_spam() -> Refusal:
    text = "We restrict certain activity to protect our community. Tell us if you think we made a mistake."
    shown = ("Action is blocked", text)
    return Refusal(4, "Application request limit reached", subcode=2207051, status=403, shown=shown)
