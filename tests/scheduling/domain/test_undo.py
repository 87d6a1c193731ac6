"""Undoing an approval within ten seconds."""

import threading
from datetime import timedelta

import pytest
import time_machine
from django.db import connection, connections, transaction

from accounts import clock
from accounts.domain import actors
from accounts.exceptions import Conflict
from accounts.models import AuditEvent
from scheduling.domain import drafts, review, two_person_approval, undo
from scheduling.domain.notifications import recipients
from scheduling.domain.publishing import stage
from scheduling.models import Notification, NotificationDelivery
from tests.helpers import POSTS, AdminClient, approve, fresh, has_waiting_lock
from tests.services.processes import eventually

pytestmark = pytest.mark.django_db


def test_undo_leaves_the_post_waiting_without_authorship_or_notification(make_waiting, judge, reviewer, key):
    post = make_waiting()
    recipients.fan_out()
    before = fresh(post)
    approval = approve(judge, post, scheduled_for=clock.now() + timedelta(days=2))
    recipients.fan_out()

    undo.undo(judge, approval.pk)

    now = fresh(post)
    assert (now.status, now.task_id, now.approval) == ("WAITING_FOR_APPROVAL", None, None)
    assert now.scheduled_for == before.scheduled_for
    assert (now.last_edited_by_user, now.last_edited_by_key) == (None, key)
    assert not review.is_author(reviewer, now)
    event = AuditEvent.objects.filter(subject=f"post:{post.pk}").latest("id")
    assert (event.verb, event.state_from, event.state_to) == ("undo", "SCHEDULED", "WAITING_FOR_APPROVAL")
    with time_machine.travel(clock.now() + timedelta(minutes=1)):
        recipients.fan_out()
    assert list(Notification.objects.values_list("kind", flat=True)) == ["SUBMITTED"]
    approve(judge, post)


def test_approval_is_announced_when_it_can_no_longer_be_undone(make_waiting, judge, author):
    approve(judge, make_waiting(actor=actors.user_actor(author)))
    approved = NotificationDelivery.objects.filter(notice__kind="APPROVED", user=author)
    recipients.fan_out()
    assert not approved.exists()
    with time_machine.travel(clock.now() + timedelta(seconds=15)):
        recipients.fan_out()
    assert approved.count() == 1


def test_undo_after_ten_seconds_is_refused(make_waiting, judge):
    approval = approve(judge, make_waiting())
    with time_machine.travel(clock.now() + timedelta(seconds=11)), pytest.raises(Conflict, match="no longer"):
        undo.undo(judge, approval.pk)
    assert fresh(approval.post).status == "SCHEDULED"


@pytest.mark.parametrize("way", ["staged", "claimed", "another person", "revoked"])
def test_undo_of_what_another_has_taken_up_is_refused(way, make_waiting, judge, other, seat, organization, facebook):
    post = make_waiting(channels=[facebook])
    approval, by = approve(judge, post), judge
    if way == "staged":
        assert stage.prestage(str(post.pk)) == 1
    elif way == "claimed":
        fresh(post).apply_transition("claim", task_id=None)
    elif way == "another person":
        by = seat(other, organization)
    else:
        review.revert(judge.actor, fresh(post))
    status = fresh(post).status
    with pytest.raises(Conflict):
        undo.undo(by, approval.pk)
    assert fresh(post).status == status


def test_undo_of_a_retry_is_refused(make_scheduled, judge):
    post = make_scheduled()
    post.apply_transition("fail", task_id=None)
    approval = approve(judge, post)
    with pytest.raises(Conflict):
        undo.undo(judge, approval.pk)
    assert fresh(post).status == "SCHEDULED"


def test_undo_of_the_second_approval_keeps_the_first(make_waiting, two, judge, second):
    post = make_waiting()
    first = approve(judge, post)
    undo.undo(second, approve(second, post).pk)
    assert two_person_approval.pending_first_approval(fresh(post)) == first
    assert approve(second, post).post.status == "SCHEDULED"


def test_undo_of_the_first_approval_revokes_it(make_waiting, two, judge):
    post = make_waiting()
    undo.undo(judge, approve(judge, post).pk)
    assert two_person_approval.pending_first_approval(fresh(post)) is None
    assert fresh(post).status == "WAITING_FOR_APPROVAL"


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer: undo waits before it reads")
@pytest.mark.django_db(transaction=True)
def test_undo_of_a_post_that_is_deleted_at_the_same_time_is_refused_a19(make_waiting, judge, reviewer, author):
    approval = approve(judge, make_waiting())
    site = AdminClient(reviewer).review(approval.post)
    results = []

    def press() -> None:
        results.append(site.send(f"{POSTS}undo/", approval=str(approval.pk)))
        connections.close_all()

    thread = threading.Thread(target=press)
    with transaction.atomic():
        drafts.delete(actors.user_actor(author), fresh(approval.post))
        thread.start()
        eventually(has_waiting_lock)
    thread.join()
    assert (results[0].status_code, results[0].url) == (302, f"{POSTS}?status=WAITING_FOR_APPROVAL")
    assert "has been deleted in the meantime" in site.follow().text
