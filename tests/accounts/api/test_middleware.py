"""Request ids and headers of all responses."""

import logging
from typing import Any

import pytest
from django.test import Client

from accounts.api.middleware import RequestIdFilter, current


def test_request_id_is_created_for_each_request(api: Any) -> None:
    ids = [api.get("/organizations").headers["x-request-id"] for _ in range(2)]
    assert [len(pk) for pk in ids] == [32, 32]
    assert ids[0] != ids[1]


@pytest.mark.parametrize("given", ["abc", "3f1c-77:a_b.c", "x" * 100])
def test_valid_request_id_is_kept(given: str, api: Any) -> None:
    assert api.get("/organizations", headers={"x-request-id": given}).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "a b", "a\nb", "é", "x" * 101, "<script>", "a,b"])
def test_invalid_request_id_is_replaced(given: str, api: Any) -> None:
    made = api.get("/organizations", headers={"x-request-id": given}).headers["x-request-id"]
    assert len(made) == 32
    assert made != given


def test_pages_have_a_request_id(client: Client, db: None) -> None:
    assert [len(client.get(path).headers["x-request-id"]) for path in ("/admin/login/", "/nowhere")] == [32, 32]


@pytest.mark.usefixtures("probe")
def test_log_records_have_the_request_id(api: Any) -> None:
    seen: list[tuple[str, str]] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append((record.name, record.request_id))  # type: ignore[attr-defined]  # the filter's

    handler = Keep()
    handler.addFilter(RequestIdFilter())
    logging.getLogger().addHandler(handler)
    api.client.raise_request_exception = False
    try:
        api.get("/raise/bug", headers={"x-request-id": "find-me"})
    finally:
        logging.getLogger().removeHandler(handler)
    assert seen == [("accounts.api.exceptions", "find-me"), ("django.request", "find-me")]
    assert current.get() == "-"


@pytest.mark.django_db
def test_security_headers_are_on_all_responses(api: Any) -> None:
    answers = [api.get("/channels"), api.get("/nothing"), Client().get("/v1/posts"), Client().get("/admin/login/")]
    for answer in answers:
        assert "camera=()" in answer.headers["Permissions-Policy"]
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "no-store" in answer.headers["Cache-Control"]
