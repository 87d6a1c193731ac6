"""Error responses, row by row of the contract's table."""

import logging
from typing import Any

import pytest
from django.test import Client

pytestmark = pytest.mark.usefixtures("probe")


def answer(response: Any) -> tuple[int, Any]:
    return response.status_code, response.json()


@pytest.mark.parametrize(
    ("name", "status", "body"),
    [
        (
            "invalid",
            400,
            {
                "message": "Not publishable",
                "code": "y",
                "details": [{"path": ["media"], "message": "x", "code": "y"}],
            },
        ),
        ("incomplete", 422, {"message": "A group lacks a reply", "code": "superpower.incomplete"}),
        ("conflict", 409, {"message": "Hashtag already in use", "code": "conflict"}),
        ("stale", 412, {"message": "Version 3 is current", "code": "precondition.failed"}),
        ("forbidden", 403, {"message": "A human decides", "code": "forbidden"}),
        ("http404", 404, {"message": "Not found", "code": "not_found"}),
        ("denied", 403, {"message": "Forbidden", "code": "forbidden"}),
        ("upstream", 502, {"message": "The platform failed", "code": "platform.failed"}),
        ("busy", 503, {"message": "The platform is throttling us", "code": "platform.throttled"}),
    ],
)
def test_exception_becomes_its_response(name: str, status: int, body: Any, api: Any) -> None:
    assert answer(api.get(f"/raise/{name}")) == (status, body)


def test_upstream_throttled_sets_retry_after_in_whole_seconds(api: Any) -> None:
    assert api.get("/raise/busy").headers["Retry-After"] == "18"
    assert "Retry-After" not in api.get("/raise/upstream").headers


@pytest.mark.parametrize("debug", [False, True])
def test_unexpected_exception_is_a_500_and_a_logged_traceback(
    debug: bool, api: Any, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.DEBUG = debug
    api.client.raise_request_exception = False
    response = api.get("/raise/bug")
    assert answer(response) == (500, {"message": "Internal server error", "code": "server.error"})
    assert len(response.headers["x-request-id"]) == 32
    (line,) = [record for record in caplog.records if record.name == "accounts.api.exceptions"]
    assert line.levelno == logging.ERROR
    assert line.getMessage() == "GET /v1/raise/bug failed"
    assert line.exc_info is not None
    assert line.exc_info[0] is RuntimeError


def test_unsupported_method_gets_405(api: Any) -> None:
    for method in ("PUT", "DELETE", "OPTIONS", "PURGE"):
        status, body = answer(api.call(method, "/echo"))
        assert (status, body) == (405, {"message": f'Method "{method}" not allowed.', "code": "method_not_allowed"})
    assert "POST" in api.call("PUT", "/echo").headers["Allow"]


def test_body_over_1_mib_gets_413(api: Any) -> None:
    start, end = b'{"lines": {}, "notes": "', b'"}'
    text = b"x" * (1024 * 1024 - len(start) - len(end))
    status, body = answer(api.post("/echo", body=start + text + end))
    assert (status, body["notes"]) == (200, text.decode())
    too_large = answer(api.post("/echo", body=start + text + b"x" + end))
    assert too_large == (413, {"message": "The body is larger than 1 MiB", "code": "body.too_large"})


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml",
     "application/problem+json", "application/json; charset=utf-16", "text/json", "*/*", "application/*", "x" * 1000],
)  # fmt: skip
def test_other_content_type_gets_415(content_type: str, api: Any) -> None:
    response = answer(api.post("/echo", body=b'{"lines": {}}', content_type=content_type))
    message = "Send JSON in UTF-8, with the content type application/json"
    assert response == (415, {"message": message, "code": "body.content_type"})


@pytest.mark.parametrize("content_type", ["application/json; charset=UTF-8", 'Application/JSON;charset="utf-8"'])
def test_json_with_charset_utf_8_is_accepted(content_type: str, api: Any) -> None:
    assert answer(api.post("/echo", body=b'{"lines": {}}', content_type=content_type))[0] == 200


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*;q=0", "nonsense", "a" * 10_000])
def test_response_is_json_for_any_accept_header(accept: str, api: Any) -> None:
    response = api.get("/echo?limit=7", headers={"accept": accept})
    assert answer(response) == (200, {"limit": 7})
    assert response.headers["Content-Type"] == "application/json"


def test_bad_host_below_v1_gets_400_as_json(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    response = client.get("/v1/organizations", headers={"host": "evil.example"})
    assert answer(response) == (400, {"message": "Bad request", "code": "request.bad"})
    assert len(response.headers["x-request-id"]) == 32


def test_unknown_path_outside_v1_gets_an_html_page(client: Client, db: None) -> None:
    for path in ("/nowhere", "/v10", "/V1/organizations"):
        response = client.get(path)
        assert (response.status_code, response.headers["Content-Type"]) == (404, "text/html; charset=utf-8"), path
