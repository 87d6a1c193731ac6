"""GET /organizations."""

from typing import Any

import pytest

from accounts.models import Organization


def test_a_key_sees_its_one_organization(api: Any, organization: Organization, other_organization: Any) -> None:
    response = api.get("/organizations")
    expected = [{"id": str(organization.pk), "name": "Casa do Sol", "role": "ADMIN"}]
    assert (response.status_code, response.json()) == (200, expected)
    assert "Link" not in response.headers


@pytest.mark.parametrize(
    ("q", "found"), [("casa", 1), ("SOL", 1), (" do ", 1), ("", 1), ("rival", 0), ("%", 0), ("Casa do Sol!", 0)]
)
def test_q_is_part_of_the_name(q: str, found: int, api: Any) -> None:
    response = api.get("/organizations", query={"q": q})
    assert (response.status_code, len(response.json())) == (200, found)


@pytest.mark.parametrize("limit", ["0", "501", "-1", "1.5", "x", "", "1e2", "٣", "9" * 400])
def test_a_limit_out_of_bounds_is_a_422(limit: str, api: Any) -> None:
    response = api.get("/organizations", query={"limit": limit})
    (error,) = response.json()["error"]
    assert (response.status_code, error["path"]) == (422, ["limit"])
    assert error["type"].startswith("number.")


@pytest.mark.parametrize("limit", ["1", "500"])
def test_the_bounds_of_limit_are_inclusive(limit: str, api: Any) -> None:
    assert len(api.get("/organizations", query={"limit": limit}).json()) == 1


def test_unknown_parameters_are_ignored_and_all_wrong_ones_reported(api: Any) -> None:
    errors = api.get("/organizations?limit=0&page=2&q=a%00b").json()["error"]
    assert sorted((tuple(error["path"]), error["type"]) for error in errors) == [
        (("limit",), "number.min"), (("q",), "string.base")
    ]  # fmt: skip
