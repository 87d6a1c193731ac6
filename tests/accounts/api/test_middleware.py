"""Request ids: on each answer, and on each line of the log."""

import logging
from typing import Any

import pytest
from django.test import Client

from accounts.api.middleware import RequestIdFilter, current


def test_an_id_is_made_for_each_request(api: Any) -> None:
    ids = [api.get("/organizations").headers["x-request-id"] for _ in range(2)]
    assert [len(pk) for pk in ids] == [32, 32]
    assert ids[0] != ids[1]


@pytest.mark.parametrize("given", ["abc", "3f1c-77:a_b.c", "x" * 100])
def test_a_plain_word_is_kept(given: str, api: Any) -> None:
    assert api.get("/organizations", headers={"x-request-id": given}).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "a b", "a\nb", "é", "x" * 101, "<script>", "a,b"])
def test_anything_else_is_replaced(given: str, api: Any) -> None:
    made = api.get("/organizations", headers={"x-request-id": given}).headers["x-request-id"]
    assert len(made) == 32
    assert made != given


def test_pages_and_errors_outside_of_the_api_have_one_too(client: Client, db: None) -> None:
    assert [len(client.get(path).headers["x-request-id"]) for path in ("/admin/login/", "/nowhere")] == [32, 32]


@pytest.mark.usefixtures("probe")
def test_lines_that_are_logged_meanwhile_carry_it(api: Any) -> None:
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
