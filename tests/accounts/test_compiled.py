"""Queries that are compiled once."""

from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.db.models.signals import post_init
from django.test.utils import CaptureQueriesContext

from accounts.compiled import Compiled, Given, padded
from accounts.models import ApiKey, Membership, Organization, Role, User
from scheduling.models import ScheduledPost


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


def _all_of(row: Any) -> Any:
    """Return all that there is to an instance: its columns, those that were left out, and what was joined to it."""
    if row is None:
        return None
    joined = {name: _all_of(one) for name, one in row._state.fields_cache.items()}
    columns = {name: value for name, value in vars(row).items() if name != "_state"}
    return type(row), columns, row.get_deferred_fields(), row._state.adding, row._state.db, joined


def test_an_instance_is_what_the_queryset_makes(key: ApiKey) -> None:
    """Down to what was left out, what was joined, and what an outer join did not find."""
    for one in (key, None):
        ScheduledPost.objects.create(organization=key.organization, created_by_key=one, brief="Because", media=None)

    def rows(organization: Any) -> QuerySet[ScheduledPost]:
        joined = ScheduledPost.objects.select_related("organization", "created_by_key__issued_by", "created_by_user")
        return joined.filter(organization=organization).defer("notes", "created_by_key__name").order_by("created_at")

    wanted = rows(key.organization_id)
    found = Compiled(rows)(key.organization_id)
    assert [_all_of(one) for one in found] == [_all_of(one) for one in wanted]
    assert (found[0].created_by_key, found[0].notes, found[1].created_by_key) == (key, None, None)
    found[0].move("submit")
    with pytest.raises(AttributeError, match="not allowed"):
        found[0].status = "SCHEDULED"


def test_a_model_that_is_made_in_a_way_of_its_own_is_refused(houses: list[Organization]) -> None:
    asked: Compiled[Organization] = Compiled(lambda one: Organization.objects.filter(pk=one))
    post_init.connect(_nothing, sender=Organization)
    try:
        with pytest.raises(TypeError, match="a way of its own"):
            asked(houses[0].pk)
    finally:
        post_init.disconnect(_nothing, sender=Organization)


def _nothing(**_: Any) -> None:
    pass


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
