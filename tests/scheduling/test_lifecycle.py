"""The lifecycle and its single writer."""

import pytest
from django.db import IntegrityError, transaction
from django_fsm import TransitionNotAllowed

from scheduling.lifecycle import StateConflict, Status
from scheduling.models import ScheduledPost

pytestmark = [pytest.mark.embedded, pytest.mark.django_db]


def test_transitions_match_the_design():
    steps = {(step.name, str(step.source), str(step.target)) for step in ScheduledPost().get_all_status_transitions()}
    assert steps == {
        ("submit", "DRAFT", "WAITING_FOR_APPROVAL"),
        ("submit", "REJECTED", "WAITING_FOR_APPROVAL"),
        ("reject", "WAITING_FOR_APPROVAL", "REJECTED"),
        ("redraft", "REJECTED", "DRAFT"),
        ("approve", "WAITING_FOR_APPROVAL", "SCHEDULED"),
        ("retry", "FAILED", "SCHEDULED"),
        ("claim", "SCHEDULED", "PUBLISHING"),
        ("succeed", "PUBLISHING", "PUBLISHED"),
        ("fail", "SCHEDULED", "FAILED"),
        ("fail", "PUBLISHING", "FAILED"),
        ("settle", "FAILED", "PUBLISHED"),
        ("revert", "SCHEDULED", "DRAFT"),
        ("revert", "FAILED", "DRAFT"),
    }


@pytest.mark.parametrize("status", ["SCHEDULED", "PUBLISHING", "PUBLISHED"])
def test_database_refuses_an_unapproved_scheduled_post(make_draft, status):
    post = make_draft()
    with pytest.raises(IntegrityError, match="nothing_goes_out_unapproved"), transaction.atomic():
        ScheduledPost.objects.filter(pk=post.pk).update(status=status)
    assert ScheduledPost.objects.get(pk=post.pk).status == "DRAFT"


def test_status_cannot_be_assigned(make_draft):
    with pytest.raises(AttributeError):
        make_draft().status = Status.SCHEDULED


def test_save_without_columns_or_with_status_raises_type_error(make_draft):
    post = make_draft()
    for fields in (None, [], ["status"], ["media", "status"]):
        with pytest.raises(TypeError):
            post.save(update_fields=fields)
    post.media = "https://example.com/2.jpg"
    post.save(update_fields=["media"])
    assert ScheduledPost.objects.get(pk=post.pk).media == "https://example.com/2.jpg"


def test_transition_of_an_earlier_revision_raises_state_conflict(make_waiting):
    old = make_waiting()
    new = ScheduledPost.objects.get(pk=old.pk)
    for step in ("reject", "submit"):
        new.apply_transition(step)
    with pytest.raises(StateConflict):
        old.apply_transition("reject")
    assert (new.revision, ScheduledPost.objects.get(pk=old.pk).revision) == (3, 3)


def test_concurrent_transitions_have_one_winner(make_waiting):
    mine = make_waiting()
    theirs = ScheduledPost.objects.get(pk=mine.pk)
    mine.apply_transition("reject", notes="no")
    with pytest.raises(StateConflict) as caught:
        theirs.apply_transition("reject", notes="also no")
    assert caught.value.details == {"status": "REJECTED", "allowed": ["submit-for-approval", "update", "delete"]}
    assert ScheduledPost.objects.get(pk=mine.pk).notes == "no"


def test_transition_of_an_old_version_changes_nothing(make_waiting):
    post = make_waiting()
    ScheduledPost.objects.filter(pk=post.pk).update(version=post.version + 1)
    with pytest.raises(StateConflict):
        post.apply_transition("reject", notes="no")
    assert ScheduledPost.objects.get(pk=post.pk).status == "WAITING_FOR_APPROVAL"


def test_transition_methods_do_not_write_the_database(make_draft):
    with pytest.raises(TransitionNotAllowed):
        make_draft().approve()
