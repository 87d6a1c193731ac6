"""Fixtures of the domain tests: reviewers, enqueued posts, and a clock at their scheduled time."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from accounts import clock
from accounts.domain.reviewers import Reviewer
from accounts.models import Organization, Role
from scheduling.domain.publishing import run
from scheduling.models import ScheduledPost


@pytest.fixture
def travel() -> Iterator[Callable[..., Any]]:
    """Return a function that moves the clock to just after a post's time and returns it, to be moved by `.shift`."""
    travellers: list[Any] = []

    def go(post: ScheduledPost, seconds: float = 0.05) -> Any:
        traveller = time_machine.travel(post.scheduled_for + timedelta(seconds=seconds), tick=True)
        travellers.append(traveller)
        return traveller.start()

    yield go
    for item in reversed(travellers):
        item.stop()


@pytest.fixture
def no_messages() -> Iterator[None]:
    """Purge the broker before and after the test."""
    from dynamo.celery import app

    app.control.purge()
    yield
    app.control.purge()


@pytest.fixture
def judge(seat: Callable[..., Reviewer], reviewer: Any, organization: Any) -> Reviewer:
    return seat(reviewer, organization)


@pytest.fixture
def two(organization: Organization) -> Organization:
    """The organization, with two approvals required."""
    organization.second_approver = True
    organization.save()
    return organization


@pytest.fixture
def other(make_member: Callable[..., Any], organization: Organization) -> Any:
    return make_member("other", organization, Role.VIEWER, may_review=True)


@pytest.fixture
def second(seat: Callable[..., Reviewer], other: Any, organization: Organization, two: Organization) -> Reviewer:
    return seat(other, organization)


@pytest.fixture
def make_enqueued(make_scheduled: Callable[..., Any]) -> Callable[..., Any]:
    """Make a scheduled post that was enqueued; takes the arguments of `make_draft`."""

    def make(**changes: Any) -> ScheduledPost:
        post = make_scheduled(**changes)
        ScheduledPost.objects.filter(pk=post.pk).update(enqueued_at=clock.now())
        return ScheduledPost.objects.get(pk=post.pk)

    return make


def send(post: ScheduledPost) -> str:
    """Publish as the worker that receives the post's message."""
    return run.publish(str(post.pk), str(post.task_id))


def go_on(post: ScheduledPost, clock_: Any, *, seconds: float = 45, rounds: int = 12) -> str:
    """Let time pass and resume the post, as the sweep does, until it is settled; return its status."""
    for _ in range(rounds):
        status = str(ScheduledPost.objects.get(pk=post.pk).status)
        if status != "PUBLISHING":
            return status
        clock_.shift(timedelta(seconds=seconds))
        run.resume(str(post.pk))
    return str(ScheduledPost.objects.get(pk=post.pk).status)
