"""Parses responses: the body first, the status last. Meta documents neither as reliable alone.

A 200 can contain an error, `success: false`, or a page of HTML; a 500 can follow a write that took effect.
"""

import json
import logging
import re
from collections.abc import Mapping
from typing import Any

from posts.graph import error_codes, errors, rate_limits
from posts.graph.errors import GraphError

log = logging.getLogger(__name__)
# Not retried, unless `is_transient` is true.
FINAL = {errors.InvalidRequest, errors.PermissionDenied, errors.UnknownErrorCode}
QUERY = re.compile(r"(https?://[^\s?#\"'<>]+)[?#][^\s\"'<>]*")
CREDENTIAL = re.compile(r"(?i)\b(access_token|appsecret_proof|input_token|client_secret)\s*[=:]\s*[^\s&\"']+")


def parse_response(
    status: int, headers: Mapping[str, str], body: bytes, *, outward: bool, secrets: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return the JSON object, or raise the GraphError that the response means.

    `outward`: the call was a write that others can see. Only then does an unclear response raise Ambiguous, otherwise
    Transient. `secrets` never appear in the message.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    if content is True:
        return {"success": True}
    if not isinstance(content, dict):
        raise _error_from_status(status, headers, outward=outward)
    error = content.get("error")
    if isinstance(error, dict) and _integer(error.get("code")) is not None:
        raise _error_from_body(error, status, headers, outward=outward, secrets=secrets)
    if error is not None or content.get("success") is False or status >= 300:
        raise _error_from_status(status, headers, outward=outward)
    return content


def _error_from_body(
    error: Mapping[str, Any], status: int, headers: Mapping[str, str], *, outward: bool, secrets: tuple[str, ...]
) -> GraphError:
    code, subcode = _integer(error.get("code")) or 0, _integer(error.get("error_subcode"))
    trace = re.sub(r"[^\w-]", "", str(error.get("fbtrace_id") or ""))[:64]
    row = error_codes.find(code, subcode)
    platform_message = _sanitize_message(str(error.get("message") or ""), secrets)
    text = _sanitize_message(str(error.get("error_user_msg") or ""), secrets) or platform_message
    message = f"{row.meaning if row else 'The platform refused with an unknown code'}: {text}".rstrip(": ")
    if row is None:
        log.warning("unknown Graph error %s/%s, status %s, trace %s", code, subcode, status, trace)
    kind = row.kind if row else errors.UnknownErrorCode
    if row is None and status >= 500:
        kind = errors.Ambiguous
    if kind in FINAL and error.get("is_transient") is True:
        kind = errors.Ambiguous  # only true is evidence: it is false for many temporary errors
    if issubclass(kind, errors.Ambiguous) and not outward:
        kind = errors.PolicyBlock if (code, subcode) == error_codes.SPAM else errors.Transient
    wait = {"retry_after": rate_limits.retry_after(headers)} if issubclass(kind, errors.Throttled) else {}
    return kind(message, **wait, code=code, subcode=subcode, trace=trace, platform_message=platform_message)


def _sanitize_message(text: str, secrets: tuple[str, ...]) -> str:
    """Return the platform's text without credentials and without query strings of URLs, cut to 400 characters.

    A NUL and a lone surrogate, which JSON can contain and databases refuse, are replaced.
    """
    text = text.replace("\x00", "\u2400").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    for secret in filter(None, secrets):
        text = text.replace(secret, "…")
    return CREDENTIAL.sub(r"\1=…", QUERY.sub(r"\1", text))[:400]


def _error_from_status(status: int, headers: Mapping[str, str], *, outward: bool) -> GraphError:
    if status == 429:
        wait = rate_limits.retry_after(headers)
        return errors.Throttled("The platform takes no more calls for now", retry_after=wait)
    if status == 504:
        kind = errors.ResponseTimeout if outward else errors.Transient
        return kind("The platform's gateway gave up waiting (HTTP 504)")
    return (errors.Ambiguous if outward else errors.Transient)(f"The platform's answer cannot be read (HTTP {status})")


def _integer(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None
