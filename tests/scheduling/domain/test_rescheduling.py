"""A scheduled post gets another instant: all of it or nothing, and what was on its way for the old one is void."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.domain import actors
from accounts.exceptions import Invalid, StaleVersion
from scheduling.domain import content, reschedule, review
from scheduling.domain.review import StaleApproval
from scheduling.lifecycle import StateConflict
from scheduling.models import Approval, ScheduledPost
from tests.scheduling.domain.conftest import send

LATER = timedelta(hours=3)


def reapprove(judge: Any, post: ScheduledPost, **changes: Any) -> Approval:
    given = {"digest": content.current_content(post)[1], "revision": post.revision, "expected_version": post.version}
    given["scheduled_for"] = post.scheduled_for + LATER
    return reschedule.reapprove(judge, ScheduledPost.objects.get(pk=post.pk), **given | changes)


def test_the_old_message_is_void_and_the_new_one_publishes_at_the_new_instant(
    make_handed: Any, judge: Any, travel: Any, sandbox: Any
) -> None:
    post = make_handed()
    reapprove(judge, post)
    moved = ScheduledPost.objects.get(pk=post.pk)
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
def test_a_refused_move_leaves_the_old_approval_and_its_message_good(
    changes: dict[str, Any], refusal: type[Exception], make_handed: Any, judge: Any, travel: Any, sandbox: Any
) -> None:
    post = make_handed()
    if "scheduled_for" in changes:
        changes = {"scheduled_for": post.scheduled_for - timedelta(days=1)}
    with pytest.raises(refusal):
        reapprove(judge, post, **changes)
    assert Approval.objects.get(pk=post.approval_id).revoked_at is None
    travel(post)
    assert send(post) == "published"
    assert len(sandbox.posts) == 2


def test_handed_back_to_the_reviewers_it_does_not_go_out_before_one_approves(
    make_handed: Any, judge: Any, travel: Any, author: Any, sandbox: Any
) -> None:
    post = make_handed()
    given = {"scheduled_for": post.scheduled_for + LATER, "expected_version": post.version}
    waiting = reschedule.resubmit(actors.user_actor(author), ScheduledPost.objects.get(pk=post.pk), **given)
    assert (waiting.status, waiting.version) == ("WAITING_FOR_APPROVAL", post.version + 1)
    with pytest.raises(StateConflict):
        reschedule.resubmit(actors.user_actor(author), waiting, **given | {"expected_version": waiting.version})
    review.approve(judge, waiting, revision=waiting.revision, digest=content.current_content(waiting)[1])
    clock_ = travel(post)
    assert send(post) == "void"
    clock_.shift(LATER)
    assert (sandbox.posts, send(ScheduledPost.objects.get(pk=post.pk))) == ([], "published")
