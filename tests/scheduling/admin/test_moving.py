"""Moving a post on the calendar: it asks, it needs what it needs, and a scheduled post needs a new approval."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts import clock
from accounts.domain import actors
from accounts.models import AuditEvent, Membership, Organization, User
from scheduling.domain import drafts, review
from scheduling.lifecycle import Status
from scheduling.models import Approval, ScheduledPost
from tests.admin_client import POSTS, Desk

TO = "2031-06-02"


def address(post: Any, query: str = "") -> str:
    return f"{POSTS}{post.pk}/move/{query}"


def open_move(user: User, post: Any, to: str = TO) -> Desk:
    return Desk(user).open(address(post, f"?to={to}&back=view%3Dweek"))


def moved(post: Any) -> tuple[str, datetime]:
    row = ScheduledPost.objects.get(pk=post.pk)
    return str(row.status), row.scheduled_for


def on_that_day(post: Any) -> datetime:
    return post.scheduled_for.replace(year=2031, month=6, day=2, microsecond=0)


def verbs(post: Any) -> list[str]:
    return list(AuditEvent.objects.filter(subject=f"post:{post.pk}").order_by("id").values_list("verb", flat=True))


def test_asking_changes_nothing_and_moving_a_draft_leads_back_to_its_day(make_draft: Any, author: User) -> None:
    post = make_draft()
    desk = open_move(author, post)
    assert moved(post) == ("DRAFT", post.scheduled_for)
    desk.press(way="edit")
    assert moved(post) == ("DRAFT", on_that_day(post))
    assert desk.answer.url == f"{POSTS}calendar/?view=week&on={TO}"
    assert verbs(post) == ["create", "edit"]


def test_a_moved_waiting_post_waits_on_and_whoever_had_it_open_has_to_look_again(
    make_waiting: Any, author: User, reviewer: User
) -> None:
    post = make_waiting()
    before = Desk(reviewer).review(post)
    open_move(author, post).press(way="edit")
    assert moved(post) == ("WAITING_FOR_APPROVAL", on_that_day(post))
    before.press("approve")
    assert "has changed since you opened it" in before.text
    assert moved(post) == ("WAITING_FOR_APPROVAL", on_that_day(post))


def test_a_stale_page_moves_nothing_and_shows_what_stands_there_now(make_draft: Any, author: User) -> None:
    post = make_draft()
    desk = open_move(author, post)
    drafts.edit(actors.user_actor(author), post, changes={"media": None})
    desk.press(way="edit")
    assert "Nothing was moved" in desk.text
    assert moved(post) == ("DRAFT", post.scheduled_for)
    desk.press(way="edit")
    assert moved(post) == ("DRAFT", on_that_day(post))


def test_a_reviewer_moves_a_scheduled_post_by_approving_its_new_instant(make_scheduled: Any, reviewer: User) -> None:
    post = make_scheduled()
    desk = open_move(reviewer, post)
    assert moved(post) == ("SCHEDULED", post.scheduled_for)
    desk.press(way="reapprove")
    assert moved(post) == ("SCHEDULED", on_that_day(post))
    now = ScheduledPost.objects.get(pk=post.pk)
    assert now.task_id not in {None, post.task_id}
    assert now.approval_id != post.approval_id
    assert Approval.objects.get(pk=post.approval_id).revoked_at is not None
    assert now.approval.content["scheduledFor"] == on_that_day(post).isoformat()
    assert now.approval.checks
    assert verbs(post)[-3:] == ["revert", "submit", "approve"]


def test_where_two_approve_a_reviewers_move_waits_for_another_reviewer(
    make_scheduled: Any, reviewer: User, organization: Organization
) -> None:
    post = make_scheduled()
    Organization.objects.filter(pk=organization.pk).update(second_approver=True)
    desk = open_move(reviewer, post)
    assert "and then another reviewer's of the same" in desk.text
    desk.press(way="reapprove")
    assert moved(post) == ("WAITING_FOR_APPROVAL", on_that_day(post))
    assert "does not go out before somebody approves" in desk.follow().text
    assert verbs(post)[-3:] == ["revert", "submit", "approve_first"]


def test_nobody_approves_the_new_instant_of_what_they_wrote(
    make_scheduled: Any, author: User, organization: Organization
) -> None:
    """The author issued the key that wrote it, and may review: all of the move is undone, the old approval stands."""
    post = make_scheduled()
    Membership.objects.filter(user=author).update(may_review=True)
    desk = open_move(author, post)
    assert "another person decides" in desk.text
    desk.press(way="reapprove")
    assert desk.answer.status_code == 403
    row = ScheduledPost.objects.get(pk=post.pk)
    assert (moved(post), row.task_id, row.approval_id) == (
        ("SCHEDULED", post.scheduled_for),
        post.task_id,
        post.approval_id,
    )
    assert Approval.objects.get(pk=post.approval_id).revoked_at is None
    assert "revert" not in verbs(post)


def test_an_author_moves_a_scheduled_post_back_to_the_reviewers(make_scheduled: Any, author: User) -> None:
    post = make_scheduled()
    desk = open_move(author, post).press(way="resubmit")
    assert moved(post) == ("WAITING_FOR_APPROVAL", on_that_day(post))
    row = ScheduledPost.objects.get(pk=post.pk)
    assert (row.task_id, row.approval_id, row.last_edited_by_user) == (None, None, author)
    desk.follow()
    assert "does not go out before somebody approves" in desk.text


def test_a_post_taken_by_a_worker_meanwhile_is_not_moved(make_scheduled: Any, reviewer: User) -> None:
    post = make_scheduled()
    desk = open_move(reviewer, post)
    ScheduledPost.objects.get(pk=post.pk).apply_transition("claim")
    desk.press(way="reapprove")
    assert "by now. Somebody was faster" in desk.text
    assert moved(post) == ("PUBLISHING", post.scheduled_for)


def test_a_reviewer_approves_a_waiting_post_for_the_day_it_was_dragged_to(make_waiting: Any, reviewer: User) -> None:
    post = make_waiting()
    open_move(reviewer, post).press(way="approve")
    assert moved(post) == ("SCHEDULED", on_that_day(post))


def test_who_only_looks_or_belongs_elsewhere_moves_nothing(
    make_waiting: Any, make_scheduled: Any, viewer: User, outsider: User, reviewer: User, author: User
) -> None:
    waiting, scheduled = make_waiting(), make_scheduled()
    for post in (waiting, scheduled):
        desk = open_move(viewer, post)
        assert "It cannot be moved" in desk.text
        assert Desk(outsider).open(address(post)).answer.status_code == 404
        for person in (viewer, outsider):
            for way in ("edit", "approve", "reapprove", "resubmit"):
                desk = Desk(person).open("/admin/password_change/")
                fields = {"when": f"{TO}T10:00", "version": str(post.version), "digest": "x", "way": way}
                assert desk.send(address(post), **fields).status_code in {403, 404}
    # A reviewer who does not write cannot edit, an author who does not review cannot approve.
    for person, way in ((reviewer, "edit"), (reviewer, "resubmit"), (author, "reapprove"), (author, "approve")):
        desk = Desk(person).open(address(scheduled))
        fields = {"when": f"{TO}T10:00", "version": str(scheduled.version), "digest": "x", "way": way}
        assert desk.send(address(scheduled), **fields).status_code == 403
    assert moved(waiting) == ("WAITING_FOR_APPROVAL", waiting.scheduled_for)
    assert moved(scheduled) == ("SCHEDULED", scheduled.scheduled_for)


@pytest.mark.parametrize("past", [False, True])
def test_an_hour_that_does_not_exist_and_one_that_has_passed_are_refused(
    past: bool, make_scheduled: Any, reviewer: User
) -> None:
    User.objects.filter(pk=reviewer.pk).update(time_zone="Europe/Lisbon")
    post = make_scheduled(scheduled_for=datetime(2031, 3, 1, 1, 30, tzinfo=UTC))
    to = "2020-03-01" if past else "2031-03-30"  # on which Lisbon's clocks skip the hour from one to two
    desk = open_move(reviewer, post, to)
    assert past or "skip 01:30 on that day" in desk.text
    desk.press(way="reapprove")
    assert ("skip this hour" in desk.text) is not past
    assert moved(post) == ("SCHEDULED", post.scheduled_for)


def test_what_is_partly_live_is_not_moved(make_scheduled: Any, reviewer: User) -> None:
    post = make_scheduled()
    post.deliveries.filter(pk=post.deliveries.first().pk).update(state="PUBLISHED")
    desk = open_move(reviewer, post)
    assert "Part of this post is live" in desk.text
    assert not desk.offers("move")
    assert Status(ScheduledPost.objects.get(pk=post.pk).status) == Status.SCHEDULED


def test_a_failed_post_is_moved_by_approving_another_try(make_scheduled: Any, reviewer: User) -> None:
    post = make_scheduled()
    post.apply_transition("fail", task_id=None, failure_reason="It did not go out.")
    post.deliveries.update(state="FAILED")
    open_move(reviewer, post).press(way="approve")
    assert moved(post) == ("SCHEDULED", on_that_day(post))
    assert review.is_author(reviewer, post) is False
    assert clock.now() + timedelta(days=1) < on_that_day(post)


def test_a_reviewer_of_another_channel_neither_moves_nor_takes_back(
    make_scheduled: Any, reviewer: User, facebook: Any
) -> None:
    post = make_scheduled()
    Membership.objects.filter(user=reviewer).update(review_channels=[facebook.public_id], role="VIEWER")
    desk = open_move(reviewer, post)
    assert "a channel that you do not review" in desk.text
    assert desk.send(f"{POSTS}{post.pk}/revert/").status_code == 403
    assert moved(post) == ("SCHEDULED", post.scheduled_for)
