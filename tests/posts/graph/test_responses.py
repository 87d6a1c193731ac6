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


NEEDS = "(#100) Object does not exist, cannot be loaded due to missing permission. This endpoint requires the"


@pytest.mark.parametrize(
    ("error", "expected", "label"),
    [
        ({"code": 2500, "message": "Unknown path components: /me"}, errors.ConfigurationError, "2500"),
        ({"code": 2500, "message": "An active access token must be used"}, errors.ConfigurationError, "2500"),
        (
            {"code": 100, "message": "API calls from the server require an appsecret_proof argument"},
            errors.ConfigurationError,
            "ConfigurationError",
        ),
        (
            {
                "code": 100,
                "message": "(#100) Pages Public Content Access requires either app secret proof or an app token",
            },
            errors.ConfigurationError,
            "ConfigurationError",
        ),
        (
            {"code": 100, "message": f"{NEEDS} 'pages_read_engagement' permission or a feature"},
            errors.PermissionDenied,
            "PermissionDenied",
        ),
        ({"code": 100, "error_subcode": 33, "message": f"{NEEDS} 'x' permission"}, errors.NotFound, "100/33"),
        ({"code": 100, "message": "(#100) The permission field is not valid"}, errors.InvalidRequest, "100"),
        ({"code": 368, "message": "You've already posted this. Try something else."}, errors.Duplicate, "Duplicate"),
        (
            {"code": 368, "error_subcode": 1, "message": "Blocked", "error_user_msg": "This was already posted."},
            errors.Duplicate,
            "Duplicate",
        ),
        ({"code": 368, "message": "The action attempted has been deemed abusive"}, errors.PolicyBlock, "368"),
    ],
)
def test_code_with_several_meanings_is_read_by_its_text_r4_r9_r11(
    error: dict[str, Any], expected: type[errors.GraphError], label: str
) -> None:
    for outward in (True, False):
        found = refused(outward=outward, **error)
        assert (type(found), found.label, found.code) == (expected, label, error["code"])
        assert type(found.as_kind(type(found))) is expected
        assert found.as_kind(errors.Transient).code == error["code"]


def test_message_of_the_platform_is_kept_beside_the_localised_text_r13() -> None:
    error = refused(
        code=100, message="(#100) Tried accessing nonexisting field (shares)", error_user_msg="Campo inexistente"
    )
    assert (str(error), error.platform_message) == (
        "The platform does not take this: Campo inexistente",
        "(#100) Tried accessing nonexisting field (shares)",
    )
    assert TOKEN not in refused(code=100, message=f"at {TOKEN}", error_user_msg="x").platform_message


@pytest.mark.parametrize(
    ("status", "info", "expected"),
    [
        (412, {"retriable": False, "type": "OffsetInvalidError", "message": "wrong"}, errors.RestageRequired),
        (400, {"retriable": True, "type": "OffsetInvalidError"}, errors.RestageRequired),
        (412, {}, errors.RestageRequired),
        (206, {"retriable": True, "type": "PartialRequestError"}, errors.Transient),
        (422, {"retriable": False, "type": "ProcessingFailedError", "message": "no moov"}, errors.InvalidRequest),
        (400, {"retriable": False, "type": "ParameterValidationError"}, errors.InvalidRequest),
        (422, {"retriable": True, "type": "FileUrlProcessingError"}, errors.Transient),
        (400, {"type": "SomethingNew", "message": 7}, errors.InvalidRequest),
        (500, {"type": ["odd"], "retriable": "no"}, errors.Transient),
        (200, {"retriable": False, "type": "ProcessingFailedError"}, errors.InvalidRequest),
    ],
)
def test_refusals_of_the_upload_host_r2_r3(
    status: int, info: dict[str, Any], expected: type[errors.GraphError]
) -> None:
    body = json.dumps({"debug_info": info}).encode()
    with pytest.raises(errors.GraphError) as caught:
        responses.parse_upload_response(status, {}, body, secrets=(TOKEN,))
    assert type(caught.value) is expected
    assert str(info.get("message", "")) in str(caught.value)


@pytest.mark.parametrize("status", [200, 206, 400, 500])
def test_only_success_true_is_a_successful_upload_r3(status: int) -> None:
    assert responses.parse_upload_response(status, {}, b'{"success": true}') == {"success": True}
    for body in (
        b'{"success": false}',
        b'{"success": "true"}',
        b'{"h": "1"}',
        b"{}",
        b"<html>",
        b"[" * 99_999,
        b"true",
    ):
        with pytest.raises(errors.Transient):
            responses.parse_upload_response(status, {}, body)


def test_upload_host_never_gives_away_a_secret() -> None:
    body = json.dumps({"debug_info": {"type": TOKEN, "message": f"{TOKEN} at https://h/a?sig=hidden"}}).encode()
    with pytest.raises(errors.InvalidRequest) as caught:
        responses.parse_upload_response(400, {}, body, secrets=(TOKEN,))
    written = f"{caught.value} {vars(caught.value)}"
    assert [word for word in (TOKEN, "hidden") if word in written] == []


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
