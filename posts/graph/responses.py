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
FINAL = {errors.InvalidRequest, errors.RemovedFromVersion, errors.PermissionDenied, errors.UnknownErrorCode}
OFFSET_INVALID = "OffsetInvalidError"
QUERY = re.compile(r"(https?://[^\s?#\"'<>]+)[?#][^\s\"'<>]*")
CREDENTIAL = re.compile(r"(?i)\b(access_token|appsecret_proof|input_token|client_secret)\s*[=:]\s*[^\s&\"']+")


def parse_response(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    outward: bool,
    secrets: tuple[str, ...] = (),
    use_case: str = "",
) -> dict[str, Any]:
    """Return the JSON object, or raise the GraphError that the response means.

    `outward`: the call was a write that others can see. Only then does an unclear response raise Ambiguous, otherwise
    Transient. `secrets` never appear in the message. `use_case`: see rate_limits.of_account.
    """
    content = _json(body)
    if content is True:
        return {"success": True}
    if not isinstance(content, dict):
        raise _error_from_status(status, headers, outward=outward, use_case=use_case)
    error = content.get("error")
    if isinstance(error, dict) and _integer(error.get("code")) is not None:
        raise _error_from_body(error, status, headers, outward=outward, secrets=secrets, use_case=use_case)
    if error is not None or content.get("success") is False or status >= 300:
        raise _error_from_status(status, headers, outward=outward, use_case=use_case)
    return content


def parse_upload_response(
    status: int, headers: Mapping[str, str], body: bytes, *, secrets: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return the answer of the upload host (rupload.facebook.com) to bytes of a video, or raise its GraphError.

    Only `success: true` is success, whatever the status: a 206 is a part of an upload. Errors are
    {"debug_info": {"retriable", "type", "message"}} with 206, 400, 412 or 422 (graph-api, section 11a); some are the
    Graph API's. Raises RestageRequired for a wrong offset, because the session has received another part of the file,
    InvalidRequest for what is not retriable, and Transient otherwise. Nothing of an upload is visible to others.
    """
    content = _json(body)
    if isinstance(content, dict) and content.get("success") is True:
        return content
    info = content.get("debug_info") if isinstance(content, dict) else None
    if not isinstance(info, dict):
        parse_response(status, headers, body, outward=False, secrets=secrets)
        raise errors.Transient(f"The platform did not confirm the upload (HTTP {status})")
    name = re.sub(r"\W", "", _sanitize_message(str(info.get("type") or ""), secrets))[:60]
    platform_message = _sanitize_message(str(info.get("message") or ""), secrets)
    text = ": ".join(part for part in (name, platform_message) if part) or f"HTTP {status}"
    if name == OFFSET_INVALID or status == 412:
        raise errors.RestageRequired(f"The upload cannot be continued: {text}", platform_message=platform_message)
    retriable = info.get("retriable")
    if retriable is False or (retriable is not True and 400 <= status < 500):
        raise errors.InvalidRequest(f"The platform does not take the video: {text}", platform_message=platform_message)
    raise errors.Transient(f"The upload was interrupted: {text}", platform_message=platform_message)


def _json(body: bytes) -> Any:
    """Return the JSON value, None for anything else."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _error_from_body(
    error: Mapping[str, Any],
    status: int,
    headers: Mapping[str, str],
    *,
    outward: bool,
    secrets: tuple[str, ...],
    use_case: str,
) -> GraphError:
    code, subcode = _integer(error.get("code")) or 0, _integer(error.get("error_subcode"))
    trace = re.sub(r"[^\w-]", "", str(error.get("fbtrace_id") or ""))[:64]
    platform_message = _sanitize_message(str(error.get("message") or ""), secrets)
    shown = _sanitize_message(str(error.get("error_user_msg") or ""), secrets)
    rule = error_codes.find_by_text(code, subcode, f"{platform_message}\n{shown}")
    row = rule or error_codes.find(code, subcode)
    text = shown or platform_message
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
    wait = {"retry_after": rate_limits.retry_after(headers, use_case)} if issubclass(kind, errors.Throttled) else {}
    by_text = rule is not None and kind is rule.kind
    return kind(
        message, **wait, code=code, subcode=subcode, trace=trace, platform_message=platform_message, by_text=by_text
    )


def _sanitize_message(text: str, secrets: tuple[str, ...]) -> str:
    """Return the platform's text without credentials and without query strings of URLs, cut to 400 characters.

    A NUL and a lone surrogate, which JSON can contain and databases refuse, are replaced.
    """
    text = text.replace("\x00", "\u2400").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    for secret in filter(None, secrets):
        text = text.replace(secret, "…")
    return CREDENTIAL.sub(r"\1=…", QUERY.sub(r"\1", text))[:400]


def _error_from_status(status: int, headers: Mapping[str, str], *, outward: bool, use_case: str) -> GraphError:
    if status == 429:
        wait = rate_limits.retry_after(headers, use_case)
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
