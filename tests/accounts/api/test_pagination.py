"""Keyset pagination."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models import QuerySet
from django.test import RequestFactory
from rest_framework.request import Request

from accounts.api.exceptions import RequestValidationError
from accounts.api.pagination import KeysetPagination, PaginationQuery
from accounts.api.serializers import StrictCharField, validate_query
from accounts.models import ApiKey

CREATED = ["-created_at", "-id"]
EXPIRES = ["expires_at", "id"]
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


class ListQuery(PaginationQuery):
    q = StrictCharField(required=False)


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
    parameters = validate_query(request, ListQuery)
    paginator = KeysetPagination(name, ordering, parameters=parameters, filters=filters)
    rows = paginator.paginate_queryset(everything, request)
    return [row.pk for row in rows], paginator.headers.get("Link")


def cursor_of(link: str | None) -> str:
    matched = re.fullmatch(r'<http://testserver/v1/list\?(?:limit=\d+&)?cursor=([\w%:-]+)>; rel="next"', link or "")
    assert matched is not None, link
    return matched[1]


def walk(key: ApiKey, limit: int, **given: Any) -> list[str]:
    page, link = fetch(key, f"limit={limit}", **given)
    seen = page
    while link:
        assert len(page) == limit
        page, link = fetch(key, f"limit={limit}&cursor={cursor_of(link)}", **given)
        seen = seen + page
    return seen


@pytest.mark.parametrize("limit", [1, 2, 5, 11, 12, 13])
def test_pages_of_any_size_cover_the_list(limit: int, key: ApiKey, rows: list[ApiKey]) -> None:
    assert walk(key, limit) == [f"k{number:02}" for number in reversed(range(12))]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6, 7, 12])
@pytest.mark.parametrize("direction", ["", "-"])
def test_nulls_are_last_in_both_directions(limit: int, direction: str, key: ApiKey, rows: list[ApiKey]) -> None:
    dated = ["k00", "k02", "k04", "k06", "k08", "k10"]
    undated = ["k01", "k03", "k05", "k07", "k09", "k11"]
    expected = dated + undated if not direction else dated[::-1] + undated[::-1]
    assert walk(key, limit, ordering=[f"{direction}expires_at", f"{direction}id"]) == expected


def test_last_page_has_no_link(key: ApiKey, rows: list[ApiKey]) -> None:
    assert fetch(key, "limit=12")[1] is None
    assert fetch(key, "limit=11")[1] is not None
    assert fetch(key, "", queryset=ApiKey.objects.none()) == ([], None)


def test_default_limit_is_100(key: ApiKey, organization: Any, author: Any) -> None:
    ApiKey.objects.bulk_create(
        ApiKey(id=f"k{number:03}", organization=organization, issued_by=author) for number in range(101)
    )
    page, link = fetch(key, "")
    assert len(page) == 100
    assert fetch(key, f"cursor={cursor_of(link)}")[1] is None


def test_added_and_deleted_rows_do_not_shift_pages(key: ApiKey, rows: list[ApiKey]) -> None:
    page, link = fetch(key, "limit=4")
    assert page == ["k11", "k10", "k09", "k08"]
    ApiKey.objects.create(
        id="k99", organization=key.organization, issued_by=key.issued_by, created_at=NOON + timedelta(days=1)
    )
    ApiKey.objects.filter(pk__in=["k08", "k06"]).delete()
    assert fetch(key, f"limit=4&cursor={cursor_of(link)}")[0] == ["k07", "k05", "k04", "k03"]


def test_number_of_queries_is_the_same_for_all_pages(
    key: ApiKey, rows: list[ApiKey], django_assert_num_queries: Any
) -> None:
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


def test_link_is_absolute_and_keeps_other_parameters(key: ApiKey, rows: list[ApiKey]) -> None:
    _, link = fetch(key, "q=a%26b&limit=1&cursor=" + cursor_of(fetch(key, "limit=1")[1]))
    assert link is not None
    assert re.fullmatch(r'<http://testserver/v1/list\?q=a%26b&limit=1&cursor=[\w%:-]+>; rel="next"', link)


@pytest.mark.parametrize("cursor", ["", "x", "e30:1a:x", "a%00b", "%ff", "x" * 5000])
def test_invalid_cursor_is_refused(cursor: str, key: ApiKey, rows: list[ApiKey]) -> None:
    with pytest.raises(RequestValidationError) as caught:
        fetch(key, f"cursor={cursor}")
    assert [problem.path for problem in caught.value.problems] == [("cursor",)]


def test_altered_cursor_is_refused(key: ApiKey, rows: list[ApiKey]) -> None:
    cursor = cursor_of(fetch(key, "limit=1")[1])
    for other in (cursor[:-1] + ("A" if cursor[-1] != "A" else "B"), "X" + cursor[1:], cursor + "x"):
        with pytest.raises(RequestValidationError):
            fetch(key, f"limit=1&cursor={other}")


def test_cursor_of_another_list_is_refused(key: ApiKey, other_key: ApiKey, rows: list[ApiKey]) -> None:
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
