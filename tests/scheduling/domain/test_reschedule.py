"""Rescheduling is atomic and voids the old message."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.domain import actors
from accounts.exceptions import Invalid, StaleVersion
from scheduling.domain import content, reschedule
from scheduling.domain.review import StaleApproval
from scheduling.lifecycle import StateConflict
from scheduling.models import Approval, ScheduledPost
from tests.helpers import approve, fresh
from tests.scheduling.domain.conftest import send

LATER = timedelta(hours=3)


def reapprove(judge: Any, post: ScheduledPost, **changes: Any) -> Approval:
    given = {"digest": content.current_content(post)[1], "revision": post.revision, "expected_version": post.version}
    given["scheduled_for"] = post.scheduled_for + LATER
    return reschedule.reapprove(judge, fresh(post), **given | changes)


def test_reapprove_voids_the_old_message(make_enqueued, judge, travel, sandbox) -> None:
    post = make_enqueued()
    reapprove(judge, post)
    moved = fresh(post)
    clock_ = travel(post)
    assert (send(post), send(moved), sandbox.posts) == ("void", "early", [])
    clock_.shift(LATER)
    assert (send(post), send(moved), send(moved)) == ("void", "published", "void")
    assert len(sandbox.posts) == 2


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"expected_version": 0}, StaleVersion),
        ({"revision": 0}, StaleVersion),
        ({"digest": "0" * 64}, StaleApproval),
        ({"scheduled_for": None}, Invalid),
    ],
)
def test_refused_reapproval_keeps_the_old_approval(
    changes: dict[str, Any], refusal: type[Exception], make_enqueued, judge, travel, sandbox
) -> None:
    post = make_enqueued()
    if "scheduled_for" in changes:
        changes = {"scheduled_for": post.scheduled_for - timedelta(days=1)}
    with pytest.raises(refusal):
        reapprove(judge, post, **changes)
    assert Approval.objects.get(pk=post.approval_id).revoked_at is None
    travel(post)
    assert send(post) == "published"
    assert len(sandbox.posts) == 2


def test_resubmitted_post_is_not_published_without_an_approval(make_enqueued, judge, travel, author, sandbox) -> None:
    post = make_enqueued()
    given = {"scheduled_for": post.scheduled_for + LATER, "expected_version": post.version}
    waiting = reschedule.resubmit(actors.user_actor(author), fresh(post), **given)
    assert (waiting.status, waiting.version) == ("WAITING_FOR_APPROVAL", post.version + 1)
    with pytest.raises(StateConflict):
        reschedule.resubmit(actors.user_actor(author), waiting, **given | {"expected_version": waiting.version})
    approve(judge, waiting)
    clock_ = travel(post)
    assert send(post) == "void"
    clock_.shift(LATER)
    assert (sandbox.posts, send(fresh(post))) == ([], "published")
