"""What the domain's tests share: posts that were sent and went wrong, and a clock that stands at their instant."""

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
    """Move the clock to just after a post's instant; what is returned moves on with `.shift`."""
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
    """Leave no message in the broker, for this test or the next."""
    from dynamo.celery import app

    app.control.purge()
    yield
    app.control.purge()


@pytest.fixture
def judge(seat: Callable[..., Reviewer], reviewer: Any, organization: Any) -> Reviewer:
    return seat(reviewer, organization)


@pytest.fixture
def two(organization: Organization) -> Organization:
    """The organization, where two approve by now."""
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
def make_handed(make_scheduled: Callable[..., Any]) -> Callable[..., Any]:
    """Make a scheduled post that the broker has got already; takes what `make_draft` takes."""

    def make(**changes: Any) -> ScheduledPost:
        post = make_scheduled(**changes)
        ScheduledPost.objects.filter(pk=post.pk).update(enqueued_at=clock.now())
        return ScheduledPost.objects.get(pk=post.pk)

    return make


def send(post: ScheduledPost) -> str:
    """Do what the worker does that gets the post's message."""
    return run.publish(str(post.pk), str(post.task_id))


def go_on(post: ScheduledPost, clock_: Any, *, seconds: float = 45, rounds: int = 12) -> str:
    """Let time pass and go on with the post, as the sweep would, until it is settled; return its state."""
    for _ in range(rounds):
        status = str(ScheduledPost.objects.get(pk=post.pk).status)
        if status != "PUBLISHING":
            return status
        clock_.shift(timedelta(seconds=seconds))
        run.resume(str(post.pk))
    return str(ScheduledPost.objects.get(pk=post.pk).status)
