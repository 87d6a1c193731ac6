"""Keyset pages: nothing repeated, nothing skipped, and cursors that open one list only."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models import QuerySet
from django.test import RequestFactory
from rest_framework.request import Request

from accounts.api.exceptions import RequestValidationError
from accounts.api.pagination import KeysetPagination
from accounts.models import ApiKey

CREATED = ["-created_at", "-id"]
EXPIRES = ["expires_at", "id"]
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.fixture
def rows(organization: Any, author: Any) -> list[ApiKey]:
    """Twelve rows, three at each of two instants and six without a date."""
    return ApiKey.objects.bulk_create(
        ApiKey(
            id=f"k{number:02}",
            organization=organization,
            issued_by=author,
            name=str(number),
            created_at=NOON + timedelta(microseconds=number // 3),
            expires_at=None if number % 2 else NOON + timedelta(seconds=number // 6),
        )
        for number in range(12)
    )


def fetch(
    key: ApiKey, query: str, *, ordering: list[str] = CREATED, name: str = "list", queryset: Any = None, **filters: Any
) -> tuple[list[str], str | None]:
    request = Request(RequestFactory().get(f"/v1/list?{query}"))
    request._auth = key
    everything: QuerySet[ApiKey] = ApiKey.objects.filter(pk__startswith="k") if queryset is None else queryset
    paginator = KeysetPagination(name, ordering, filters=filters)
    rows = paginator.paginate_queryset(everything, request)
    return [row.pk for row in rows], paginator.headers.get("Link")


def cursor_of(link: str | None) -> str:
    matched = re.fullmatch(r'<http://testserver/v1/list\?(?:limit=\d+&)?cursor=([\w%:-]+)>; rel="next"', link or "")
    assert matched is not None, link
    return matched[1]


def walk(key: ApiKey, limit: int, **given: Any) -> list[str]:
    found, link = fetch(key, f"limit={limit}", **given)
    seen = found
    while link:
        assert len(found) == limit
        found, link = fetch(key, f"limit={limit}&cursor={cursor_of(link)}", **given)
        seen = seen + found
    return seen


@pytest.mark.parametrize("limit", [1, 2, 5, 11, 12, 13])
def test_pages_of_any_size_make_up_the_list(limit: int, key: ApiKey, rows: list[ApiKey]) -> None:
    assert walk(key, limit) == [f"k{number:02}" for number in reversed(range(12))]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6, 7, 12])
@pytest.mark.parametrize("direction", ["", "-"])
def test_nulls_come_last_in_either_direction(limit: int, direction: str, key: ApiKey, rows: list[ApiKey]) -> None:
    dated = ["k00", "k02", "k04", "k06", "k08", "k10"]
    undated = ["k01", "k03", "k05", "k07", "k09", "k11"]
    expected = dated + undated if not direction else dated[::-1] + undated[::-1]
    assert walk(key, limit, ordering=[f"{direction}expires_at", f"{direction}id"]) == expected


def test_a_list_that_fits_has_no_link(key: ApiKey, rows: list[ApiKey]) -> None:
    assert fetch(key, "limit=12")[1] is None
    assert fetch(key, "limit=11")[1] is not None
    assert fetch(key, "", queryset=ApiKey.objects.none()) == ([], None)


def test_without_a_limit_a_page_has_a_hundred_rows(key: ApiKey, organization: Any, author: Any) -> None:
    ApiKey.objects.bulk_create(
        ApiKey(id=f"k{number:03}", organization=organization, issued_by=author) for number in range(101)
    )
    found, link = fetch(key, "")
    assert len(found) == 100
    assert fetch(key, f"cursor={cursor_of(link)}")[1] is None


def test_rows_that_come_and_go_neither_repeat_nor_hide_others(key: ApiKey, rows: list[ApiKey]) -> None:
    found, link = fetch(key, "limit=4")
    assert found == ["k11", "k10", "k09", "k08"]
    ApiKey.objects.create(
        id="k99", organization=key.organization, issued_by=key.issued_by, created_at=NOON + timedelta(days=1)
    )
    ApiKey.objects.filter(pk__in=["k08", "k06"]).delete()
    assert fetch(key, f"limit=4&cursor={cursor_of(link)}")[0] == ["k07", "k05", "k04", "k03"]


def test_pages_cost_the_same_wherever_they_are(key: ApiKey, rows: list[ApiKey], django_assert_num_queries: Any) -> None:
    related = ApiKey.objects.filter(pk__startswith="k").prefetch_related("issued_by__memberships")
    query = "limit=2"
    while query:
        with django_assert_num_queries(3):  # the page, the people, their memberships
            _, link = fetch(key, query, queryset=related)
        query = f"limit=2&cursor={cursor_of(link)}" if link else ""
    # A page of dated rows alone, and one that goes on to the undated.
    for query, expected in (("limit=2", 3), ("limit=9", 6)):
        with django_assert_num_queries(expected):
            fetch(key, query, ordering=EXPIRES, queryset=related)


def test_the_link_is_absolute_and_keeps_the_other_parameters(key: ApiKey, rows: list[ApiKey]) -> None:
    _, link = fetch(key, "q=a%26b&limit=1&cursor=" + cursor_of(fetch(key, "limit=1")[1]))
    assert link is not None
    assert re.fullmatch(r'<http://testserver/v1/list\?q=a%26b&limit=1&cursor=[\w%:-]+>; rel="next"', link)


@pytest.mark.parametrize("cursor", ["", "x", "e30:1a:x", "a%00b", "%ff", "x" * 5000])
def test_a_cursor_of_nobody_s_is_a_422(cursor: str, key: ApiKey, rows: list[ApiKey]) -> None:
    with pytest.raises(RequestValidationError) as caught:
        fetch(key, f"cursor={cursor}")
    assert [problem.path for problem in caught.value.problems] == [("cursor",)]


def test_a_cursor_that_was_tampered_with_is_a_422(key: ApiKey, rows: list[ApiKey]) -> None:
    cursor = cursor_of(fetch(key, "limit=1")[1])
    for other in (cursor[:-1] + ("A" if cursor[-1] != "A" else "B"), "X" + cursor[1:], cursor + "x"):
        with pytest.raises(RequestValidationError):
            fetch(key, f"limit=1&cursor={other}")


def test_a_cursor_opens_the_list_that_it_was_made_for_and_no_other(
    key: ApiKey, other_key: ApiKey, rows: list[ApiKey]
) -> None:
    cursor = f"limit=1&cursor={cursor_of(fetch(key, 'limit=1', type='POST')[1])}"
    assert fetch(key, cursor, type="POST")[0] == ["k10"]
    refused: list[tuple[ApiKey, dict[str, Any]]] = [
        (other_key, {"type": "POST"}),
        (key, {"type": "REEL"}),
        (key, {}),
        (key, {"type": "POST", "name": "another list"}),
    ]
    for caller, given in refused:
        with pytest.raises(RequestValidationError) as caught:
            fetch(caller, cursor, **given)
        assert [(problem.path, problem.type) for problem in caught.value.problems] == [(("cursor",), "any.only")]


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "limit=1&limit=2", "cursor=a&cursor=b"])
def test_wrong_parameters_are_refused(query: str, key: ApiKey, rows: list[ApiKey]) -> None:
    with pytest.raises(RequestValidationError):
        fetch(key, query)
