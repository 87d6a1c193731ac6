"""Concurrent people and workers on real connections: exactly one wins."""

import threading
import time
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import transaction

from accounts import clock
from accounts.domain import actors
from accounts.exceptions import DomainError
from accounts.models import Role
from posts.models import PublishedPost
from scheduling.domain import content, drafts, review
from scheduling.domain.publishing import commit as publish_commit
from scheduling.domain.publishing import lease
from scheduling.domain.publishing import run as publish_run
from scheduling.models import Approval, Attempt, ScheduledPost
from tests.helpers import approve, at_once, fresh

pytestmark = [pytest.mark.embedded, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def make_due(make_waiting, seat, reviewer, organization):
    """Make an approved post that is due now."""

    def make(**changes):
        post = make_waiting(**changes)
        approve(seat(reviewer, organization), post, now=True)
        return fresh(post)

    return make


def test_ten_deliveries_of_one_message_publish_once(make_due, sandbox):
    post = make_due()
    answers = at_once(*[lambda: publish_run.publish(str(post.pk), str(post.task_id))] * 10)
    assert sorted(answers) == ["published"] + ["void"] * 9
    assert (len(sandbox.posts), PublishedPost.objects.count(), Attempt.objects.count()) == (2, 2, 2)


def test_concurrent_approvals_create_one(make_waiting, make_member, organization, seat):
    judges = [
        seat(make_member(name, organization, Role.VIEWER, may_review=True), organization) for name in ("ana", "rui")
    ]
    post = make_waiting()
    page = content.current_content(fresh(post))[1]
    answers = at_once(
        *[
            lambda judge=judge: review.approve(judge, fresh(post), revision=fresh(post).revision, digest=page)
            for judge in judges
        ]
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["Approval", "StateConflict"]
    assert (Approval.objects.count(), fresh(post).status) == (1, "SCHEDULED")


@pytest.mark.parametrize("run", range(5))
def test_revert_against_publish_has_one_winner(make_due, sandbox, key, facebook, run):
    post = make_due(channels=[facebook])
    reverted, published = at_once(
        lambda: review.revert(actors.api_key_actor(key), fresh(post)),
        lambda: publish_run.publish(str(post.pk), str(post.task_id)),
    )
    won = not isinstance(reverted, DomainError)
    assert (published, len(sandbox.posts)) == (("void", 0) if won else ("published", 1))
    assert fresh(post).status == ("DRAFT" if won else "PUBLISHED")


@pytest.mark.parametrize("run", range(5))
def test_edit_against_approval_never_approves_unseen_content(make_waiting, key, reviewer, organization, seat, run):
    post, judge = make_waiting(), seat(reviewer, organization)
    page = content.current_content(fresh(post))[1]
    at_once(
        lambda: drafts.edit(
            actors.api_key_actor(key), fresh(post), changes={"scheduled_for": clock.now() + timedelta(days=3)}
        ),
        lambda: review.approve(judge, fresh(post), revision=fresh(post).revision, digest=page),
    )
    now = fresh(post)
    if now.status == "SCHEDULED":
        assert now.approval.digest == page == content.current_content(now)[1]
    else:
        assert (now.status, Approval.objects.count()) == ("WAITING_FOR_APPROVAL", 0)


@pytest.mark.parametrize("run", range(5))
def test_delete_against_publish_has_one_winner(make_due, sandbox, key, facebook, run):
    post = make_due(channels=[facebook])
    deleted, published = at_once(
        lambda: drafts.delete(actors.api_key_actor(key), fresh(post)),
        lambda: publish_run.publish(str(post.pk), str(post.task_id)),
    )
    gone = not isinstance(deleted, DomainError)
    assert (published, len(sandbox.posts)) == (("void", 0) if gone else ("published", 1))
    assert ScheduledPost.objects.filter(pk=post.pk).exists() is not gone


def test_concurrent_takeovers_have_one_winner(make_due, sandbox, facebook):
    post = make_due(channels=[facebook])
    with transaction.atomic():
        post.apply_transition("claim", task_id=None, lease_id=None, lease_expires_at=clock.now())
    answers = at_once(*[lambda: publish_run.resume(str(post.pk))] * 4)
    assert sorted(answers) == ["published", "void", "void", "void"]
    assert len(sandbox.posts) == 1


def test_attempt_against_an_uncommitted_takeover_inserts_nothing(make_due, sandbox, facebook):
    post, deliveries = lease.load_post(str(make_due(channels=[facebook]).pk))
    run = lease.claim(post, deliveries, task_id=str(post.task_id))
    taken = threading.Event()

    def take_over():
        with transaction.atomic():
            ScheduledPost.objects.filter(pk=post.pk).update(lease_id=uuid4())
            taken.set()
            time.sleep(0.5)

    def commit():
        taken.wait()
        with pytest.raises(lease.LeaseLost):
            publish_commit.publish_ready(run, deliveries, post.approval.content)
        return "lost"

    assert at_once(take_over, commit) == [None, "lost"]
    assert (Attempt.objects.count(), sandbox.posts) == (0, [])


def test_takeover_against_an_uncommitted_attempt_reads_it(make_due, facebook, monkeypatch):
    post, deliveries = lease.load_post(str(make_due(channels=[facebook]).pk))
    run = lease.claim(post, deliveries, task_id=str(post.task_id))
    ScheduledPost.objects.filter(pk=post.pk).update(lease_expires_at=clock.now())
    locked, insert = threading.Event(), Attempt.objects.bulk_create

    def slow(attempts):
        locked.set()
        time.sleep(0.5)
        return insert(attempts)

    monkeypatch.setattr(Attempt.objects, "bulk_create", slow)

    def take_over():
        locked.wait(20)
        return lease.take_over(str(post.pk)) is not None and Attempt.objects.count()

    columns = {"started_at": clock.now()}
    attempts, found = at_once(lambda: publish_commit.insert_attempts(run, deliveries, columns), take_over)
    assert (len(attempts), found) == (1, 1)
