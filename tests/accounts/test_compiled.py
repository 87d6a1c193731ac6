"""Queries that are compiled once."""

from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from accounts.compiled import Compiled, Given, padded
from accounts.models import Membership, Organization, Role, User


def _members(organization: Any, *named: Any, roles: tuple[str, ...] = ()) -> QuerySet[Membership]:
    rows = Membership.objects.filter(organization=organization).select_related("user")
    rows = rows.filter(user__username__in=named) if named else rows
    return (rows.filter(role__in=roles) if roles else rows).order_by("user__username")


@pytest.fixture
def houses(db: None) -> list[Organization]:
    people = [User.objects.create(username=name) for name in ("ana", "bea", "caio")]
    found = [Organization.objects.create(name=name) for name in ("Casa", "Rival")]
    for number, person in enumerate(people):
        role = Role.ADMIN if number else Role.EDITOR
        Membership.objects.create(organization=found[0], user=person, role=role, muted_notices=["WAITING"])
    Membership.objects.create(organization=found[1], user=people[0])
    return found


def test_it_gives_what_the_queryset_gives_for_each_value_and_shape(houses: list[Organization]) -> None:
    asked: Compiled[Membership] = Compiled(_members)
    for organization in (*houses, *houses):
        for named in ((), ("ana",), padded(("ana", "bea", "caio"))):
            for roles in ((), ("ADMIN",)):
                with CaptureQueriesContext(connection) as captured:
                    found = [
                        (one, one.user, one.role, one.muted_notices)
                        for one in _asked(asked, organization, named, roles)
                    ]
                assert len(captured) == 1
                wanted = _members(organization.pk, *named, roles=roles)
                assert found == [(one, one.user, one.role, one.muted_notices) for one in wanted]
    assert [len(_asked(asked, one, (), ())) for one in houses] == [3, 1]


def test_nothing_is_kept_of_what_was_read(houses: list[Organization]) -> None:
    asked: Compiled[Membership] = Compiled(_members)
    assert [one.role for one in asked(houses[1].pk)] == ["VIEWER"]
    Membership.objects.filter(organization=houses[1]).update(role=Role.ADMIN)
    assert [one.role for one in asked(houses[1].pk)] == ["ADMIN"]
    Membership.objects.filter(organization=houses[1]).delete()
    assert asked(houses[1].pk) == []


def test_a_value_that_meets_no_column_is_refused(houses: list[Organization]) -> None:
    asked: Compiled[Organization] = Compiled(lambda one: Organization.objects.annotate(said=one))
    with pytest.raises(TypeError, match="value 0"):
        asked(houses[0].name)
    assert Given(0).column is None


def test_lists_of_values_grow_by_doubling() -> None:
    assert [len(padded(range(count))) for count in (0, 1, 2, 3, 5, 64, 65)] == [0, 1, 2, 4, 8, 64, 128]
    assert padded("abc") == ["a", "b", "c", "c"]


def _asked(
    asked: Compiled[Membership], organization: Organization, named: Any, roles: tuple[str, ...]
) -> list[Membership]:
    return asked(organization.pk, *named, roles=roles)
