"""Answers are read by their bodies."""

import json
import traceback
from typing import Any

import pytest

from posts.graph import errors, responses

TOKEN = "EAAB-a-token"


def refused(
    status: int = 400, headers: dict[str, str] | None = None, *, outward: bool = True, **error: Any
) -> errors.GraphError:
    body = json.dumps({"error": {"message": "No", "type": "OAuthException", "fbtrace_id": "Atrace", **error}}).encode()
    with pytest.raises(errors.GraphError) as caught:
        responses.parse_response(status, headers or {}, body, outward=outward, secrets=(TOKEN,))
    return caught.value


def test_object_is_returned() -> None:
    assert responses.parse_response(200, {}, b'{"id": "1"}', outward=True) == {"id": "1"}
    assert responses.parse_response(200, {}, b"true", outward=True) == {"success": True}


@pytest.mark.parametrize("status", [200, 400, 403, 500])
def test_status_is_ignored_for_a_known_code(status: int) -> None:
    error = refused(status, code=100, error_subcode=33)
    assert (type(error), error.label, error.trace) == (errors.NotFound, "100/33", "Atrace")


@pytest.mark.parametrize(
    "body", [b"", b"Service Unavailable", b'{"id": "1', b"[]", b'{"success": false}', b'{"error": "odd"}', b"\xff\xfe"]
)
def test_unreadable_response_is_ambiguous_after_a_write_only(body: bytes) -> None:
    with pytest.raises(errors.Ambiguous):
        responses.parse_response(200, {}, body, outward=True)
    with pytest.raises(errors.Transient):
        responses.parse_response(200, {}, body, outward=False)


LIMIT = "(#4) Application request limit reached, timeout"


@pytest.mark.parametrize(
    ("status", "error", "after_write", "after_read"),
    [
        *((500, {"code": code}, errors.Ambiguous, errors.Transient) for code in (1, 2, -1)),
        (500, {"code": 987}, errors.Ambiguous, errors.Transient),
        (400, {"code": 987}, errors.UnknownErrorCode, errors.UnknownErrorCode),
        (400, {"code": 987, "message": LIMIT}, errors.UnknownErrorCode, errors.UnknownErrorCode),
        *((400, {"code": code, "is_transient": True}, errors.Ambiguous, errors.Transient) for code in (100, 10, 987)),
        (200, {"code": 190, "error_subcode": 463}, errors.AuthFailed, errors.AuthFailed),
        (400, {"code": 190, "is_transient": True}, errors.AuthFailed, errors.AuthFailed),
        (400, {"code": 4, "is_transient": True}, errors.Throttled, errors.Throttled),
        (400, {"code": 368, "is_transient": True}, errors.PolicyBlock, errors.PolicyBlock),
    ],
)
def test_error_class_depends_on_code_and_write(
    status: int, error: dict[str, Any], after_write: type[errors.GraphError], after_read: type[errors.GraphError]
) -> None:
    classes = [type(refused(status, outward=outward, **error)) for outward in (True, False)]
    assert classes == [after_write, after_read]


def test_throttled_has_retry_after() -> None:
    business = {
        "X-Business-Use-Case-Usage": json.dumps({"1": [{"call_count": 100, "estimated_time_to_regain_access": 7}]})
    }
    waits = [
        refused(code=80002, headers=business).retry_after,  # type: ignore[attr-defined]
        refused(code=4, headers={"Retry-After": "42"}).retry_after,  # type: ignore[attr-defined]
        refused(code=4).retry_after,  # type: ignore[attr-defined]
    ]
    assert waits == [7 * 60 + 60, 42, 300]


def test_status_429_without_body_is_throttled() -> None:
    with pytest.raises(errors.Throttled) as caught:
        responses.parse_response(429, {"Retry-After": "9"}, b"slow down", outward=True)
    assert (caught.value.retry_after, caught.value.label) == (9, "Throttled")


def test_error_contains_no_secret() -> None:
    text = (
        f"Bad {TOKEN} at https://cdn.example/a.jpg?sig=hidden&x=1 and https://h/p#frag, access_token=EAAother "
        "appsecret_proof: deadbeef"
    )
    for error in (refused(code=9004, error_subcode=2207052, message=text), refused(code=987, error_user_msg=text)):
        written = "".join(traceback.format_exception(error)) + repr(error) + str(vars(error))
        assert [word for word in (TOKEN, "hidden", "frag", "EAAother", "deadbeef") if word in written] == []
        assert "https://cdn.example/a.jpg" in str(error)


def test_error_message_contains_meaning_and_text() -> None:
    error = refused(code=190, error_subcode=463, message="Session has expired")
    assert str(error) == "The access token has expired: Session has expired"


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"error":{"code":1e999}}', b'{"error":{"code":NaN}}'], ids=["deep", "infinite", "nan"]
)
@pytest.mark.parametrize(("outward", "kind"), [(True, errors.Ambiguous), (False, errors.Transient)])
def test_deeply_nested_body_is_ambiguous(body, outward, kind):
    with pytest.raises(kind):
        responses.parse_response(200, {}, body, outward=outward)
