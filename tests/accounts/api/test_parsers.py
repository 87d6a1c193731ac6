"""Malformed JSON: one error with an empty path, never a 500."""

from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("probe")

MALFORMED = {
    "error": [
        {"message": '"value" must be valid JSON', "path": [], "type": "object.base", "context": {"label": "value"}}
    ]
}


@pytest.mark.parametrize(
    "body",
    [
        b"{", b"nonsense", b" ", b"{'lines': {}}", b'{"lines": {},}', b'{"lines": {}} trailing', b"\xff\xfe{\x00}\x00",
        b'{"notes": "\xff"}', b'{"notes": "\xed\xa0\x80"}', b'{"notes": "a\nb"}', b'{"share": NaN}',
        b'{"share": Infinity}', b'{"share": -Infinity}', b'{"share": 1e400}', b'{"share": -1e400}',
        b'{"share": ' + b"9" * 400 + b"}", b'{"share": ' + b"9" * 100_000 + b"}", b"[" * 100_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    ],
)  # fmt: skip
def test_malformed_json_gets_one_error(body: bytes, api: Any) -> None:
    response = api.post("/echo", body=body)
    assert (response.status_code, response.json()) == (422, MALFORMED)


@pytest.mark.parametrize(("body", "echoed"), [(b"[]", None), (b'"text"', "text"), (b"1", 1), (b"null", None)])
def test_json_other_than_an_object_gets_one_error(body: bytes, echoed: Any, api: Any) -> None:
    response = api.post("/echo", body=body)
    context = {"label": "value", "type": "object"} | ({} if echoed is None else {"value": echoed})
    message = '"value" must be of type object'
    error = {"message": message, "path": [], "type": "object.base", "context": context}
    assert (response.status_code, response.json()) == (422, {"error": [error]})


def test_byte_order_mark_is_accepted(api: Any) -> None:
    response = api.post("/echo", body=b'\xef\xbb\xbf{"lines": {}}')
    assert (response.status_code, response.json()) == (200, {"status": "DRAFT", "lines": {}})


def test_missing_body_is_an_empty_object(api: Any) -> None:
    (error,) = api.post("/echo").json()["error"]
    assert (error["path"], error["type"]) == (["lines"], "any.required")


def test_integer_within_double_range_is_accepted(api: Any) -> None:
    response = api.post("/echo", body=b'{"lines": {}, "count": ' + b"9" * 300 + b"}")
    assert (response.status_code, response.json()["count"]) == (200, int("9" * 300))
