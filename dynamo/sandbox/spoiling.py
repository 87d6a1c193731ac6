"""What a fault makes of an answer. graph-api: recorded error bodies; statuses as seen in the wild."""

from collections.abc import Callable

from dynamo.sandbox import errors
from dynamo.sandbox.errors import Refusal
from dynamo.sandbox.faults import Fault
from dynamo.sandbox.http import Response

THROTTLES = {
    4: (403, "(#4) Application request limit reached"),
    17: (400, "(#17) User request limit reached"),
    32: (403, "(#32) Page request limit reached"),
    613: (400, "(#613) Calls to this api have exceeded the rate limit."),
    80001: (403, "(#80001) There have been too many calls to this Page account. Wait a bit and try again."),
    80002: (400, "(#80002) There have been too many calls to this Instagram account. Wait a bit and try again."),
}
GATEWAY_PAGE = (
    b"<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Sorry, something went wrong.</h1></body></html>"
)
ABUSE = "The action attempted has been deemed abusive or is otherwise disallowed"
LOCALISED = (
    "\u0e14\u0e32\u0e27\u0e19\u0e4c\u0e42\u0e2b\u0e25\u0e14\u0e44\u0e21\u0e48\u0e2a\u0e33\u0e40\u0e23\u0e47\u0e08",
    "\u0e40\u0e01\u0e34\u0e14\u0e02\u0e49\u0e2d\u0e1c\u0e34\u0e14\u0e1e\u0e25\u0e32\u0e14",
)

ERRORS: dict[str, Callable[[], Refusal]] = {
    "expired_token": errors.expired_token,
    "quota": errors.quota_reached,
    "policy_block": lambda: Refusal(368, ABUSE, subcode=1390008, title="Blocked", user=ABUSE),
    "spam_after": errors.looks_like_spam,
    "error400_after": lambda: Refusal(1, "An unknown error occurred", subcode=99),
    "localised": lambda: errors.media_not_fetched("it did not answer"),
}


def refusal(fault: Fault, *, method: str, node_id: str) -> Refusal:
    """Return the error that a BEFORE or AFTER fault answers; its order may override code, subcode, status and text."""
    made = _usual(fault, method, node_id)
    made.subcode = fault.subcode if fault.subcode is not None else made.subcode
    made.code = fault.code if fault.code is not None else made.code
    made.status = fault.status or made.status
    made.message = fault.message or made.message
    if fault.localised or fault.fault == "localised":
        made.title, made.user = LOCALISED
    return made


def _usual(fault: Fault, method: str, node_id: str) -> Refusal:
    if fault.fault == "throttle":
        status, message = THROTTLES.get(fault.code or 4, (400, "There have been too many calls."))
        return Refusal(fault.code or 4, message, status=status)
    if fault.fault == "flicker":
        return errors.missing(method, node_id)
    if fault.fault in ERRORS:
        return ERRORS[fault.fault]()
    return Refusal(2, "An unexpected error has occurred. Please retry your request later.", status=500)


def gateway_page() -> Response:
    return Response(502, GATEWAY_PAGE, "text/html; charset=utf-8")


def truncated(response: Response) -> Response:
    """Cut the body in the middle; the length header agrees with what is sent, so only the JSON is broken."""
    response.body = response.body[: max(1, len(response.body) // 2)]
    return response
