"""GET /organizations."""

from typing import Any

import pytest

from accounts.models import Organization


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


def test_wrong_parameters_are_all_reported_unknown_ones_ignored(api: Any) -> None:
    errors = api.get("/organizations?limit=0&page=2&q=a%00b").json()["error"]
    assert sorted((tuple(error["path"]), error["type"]) for error in errors) == [
        (("limit",), "number.min"), (("q",), "string.base")
    ]  # fmt: skip
