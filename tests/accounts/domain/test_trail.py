"""The trail's chain: what was done to it is found."""

import pytest

from accounts.domain import actors, trail
from accounts.models import AuditEvent, AuditSeal

pytestmark = pytest.mark.django_db


@pytest.fixture
def events(organization, other_organization):
    for number in range(5):
        trail.record(actors.WORKER, f"step{number}", organization_id=organization.pk, subject="post:1")
    trail.record(actors.WORKER, "other", organization_id=other_organization.pk, subject="post:2")
    assert trail.seal() == 6
    return list(AuditEvent.objects.filter(organization_id=organization.pk).order_by("id"))


def test_an_untouched_chain_holds_and_sealing_again_adds_nothing(events):
    assert (list(trail.breaks()), trail.seal(), AuditSeal.objects.count()) == ([], 0, 6)


def test_sealing_goes_on_where_it_stopped(events, organization):
    trail.record(actors.WORKER, "later", organization_id=organization.pk, subject="post:1")
    assert trail.seal() == 1
    last = AuditSeal.objects.filter(organization_id=organization.pk).latest("position")
    before = AuditSeal.objects.get(organization_id=organization.pk, position=5)
    assert (last.position, last.previous) == (6, before.hash)


def test_an_altered_event_is_named(events, organization):
    AuditEvent.objects.filter(pk=events[2].pk).update(actor_name="someone else")
    assert list(trail.breaks(organization)) == [f"event {events[2].pk} (seal 3) was altered"]


def test_a_removed_event_is_named(events, organization):
    pk = events[1].pk
    AuditEvent.objects.filter(pk=pk).delete()
    assert list(trail.breaks(organization)) == [f"event {pk} (seal 2) was removed"]


def test_a_removed_seal_is_named(events, organization):
    AuditSeal.objects.get(organization_id=organization.pk, position=3).delete()
    assert next(trail.breaks(organization)) == f"seal 3 of organization {organization.pk} is missing"


def test_two_events_that_changed_places_are_named(events, organization):
    first, second = events[0], events[1]
    AuditEvent.objects.filter(pk=first.pk).update(verb=second.verb)
    AuditEvent.objects.filter(pk=second.pk).update(verb=first.verb)
    assert list(trail.breaks(organization)) == [
        f"event {first.pk} (seal 1) was altered",
        f"event {second.pk} (seal 2) was altered",
    ]


def test_a_tail_that_was_forged_does_not_follow(events, organization):
    seal = AuditSeal.objects.get(organization_id=organization.pk, position=5)
    AuditEvent.objects.filter(pk=seal.event_id).update(verb="approve")
    event = AuditEvent.objects.get(pk=seal.event_id)
    AuditSeal.objects.filter(pk=seal.pk).update(previous="f" * 64, hash=trail._hash("f" * 64, event))
    assert list(trail.breaks(organization)) == ["seal 5 does not follow the one before it"]
