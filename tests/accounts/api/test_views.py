"""GET /organizations, and unknown paths below /v1."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Organization

METHODS = ["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"]
PATHS = ["/nothing", "/organizations/", "/a%0Ab", "/%00", "/%ff", "/organizations/../../admin/", "/", "", "//"]


def test_list_returns_the_keys_organization(api: Any, organization: Organization, other_organization: Any) -> None:
    response = api.get("/organizations")
    expected = [{"id": str(organization.pk), "name": "Casa do Sol", "role": "ADMIN"}]
    assert (response.status_code, response.json()) == (200, expected)
    assert "Link" not in response.headers


@pytest.mark.parametrize(
    ("q", "count"), [("casa", 1), ("SOL", 1), (" do ", 1), ("", 1), ("rival", 0), ("%", 0), ("Casa do Sol!", 0)]
)
def test_q_filters_by_part_of_the_name(q: str, count: int, api: Any) -> None:
    response = api.get("/organizations", query={"q": q})
    assert (response.status_code, len(response.json())) == (200, count)


def test_wrong_and_unknown_parameters_are_all_reported_i2(api: Any) -> None:
    errors = api.get("/organizations?limit=0&page=2&q=a%00b").json()["error"]
    assert sorted((tuple(error["path"]), error["type"]) for error in errors) == [
        (("limit",), "number.min"), (("page",), "object.unknown"), (("q",), "string.base")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path"), [*(("GET", path) for path in PATHS), *((method, "/nothing") for method in METHODS)]
)
def test_unknown_path_gets_403_unsigned_and_404_signed(method: str, path: str, api: Any, client: Client) -> None:
    unsigned = client.generic(method, f"/v1{path}")
    signed = api.call(method, path)
    bodies = [None, None] if method == "HEAD" else [unsigned.json(), signed.json()]
    expected = [
        {"message": "Missing authentication headers", "code": "signature.missing"},
        {"message": "Not found", "code": "not_found"},
    ]
    assert (unsigned.status_code, signed.status_code) == (403, 404)
    assert bodies == ([None, None] if method == "HEAD" else expected)
    assert len(signed.headers["x-request-id"]) == 32


@pytest.mark.parametrize("bearer", [False, True])
@pytest.mark.parametrize("method", ["GET", *METHODS])
def test_refused_responses_do_not_disclose_paths(method: str, bearer: bool, client: Client, db: None) -> None:
    headers = {"x-request-id": "1"} | ({"Authorization": "Bearer a.b"} if bearer else {})
    paths = ("/nothing", "/organizations", "/scheduled-posts", "/scheduled-posts/1/approve", "/media", "/webhooks/1")
    answers = [client.generic(method, f"/v1{path}", headers=headers) for path in paths]
    for answer in answers:
        del answer.headers["RateLimit"]  # the limit of the address, which each request decreases
    assert {answer.status_code for answer in answers} == {401 if bearer else 403}
    assert all((answer.headers, answer.content) == (answers[0].headers, answers[0].content) for answer in answers)


def test_signed_404_has_no_allow(api: Any) -> None:
    assert not {"Allow", "Vary"} & set(api.get("/nothing").headers)
