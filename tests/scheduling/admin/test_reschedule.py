"""Rescheduling a post: permissions, confirmation, and the new approval of a scheduled post."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts import clock
from accounts.domain import actors
from accounts.models import AuditEvent, Membership, Organization, User
from scheduling.domain import drafts, review
from scheduling.lifecycle import Status
from scheduling.models import Approval
from tests.helpers import POSTS, AdminClient, fresh

TO = "2031-06-02"


@pytest.fixture
def both(make_member: Any, organization: Organization) -> User:
    """An editor who can approve."""
    return make_member("both", organization, may_review=True)


def reschedule_url(post: Any, query: str = "") -> str:
    return f"{POSTS}{post.pk}/move/{query}"


def open_reschedule(user: User, post: Any, to: str = TO) -> AdminClient:
    return AdminClient(user).open(reschedule_url(post, f"?to={to}&back=view%3Dweek"))


def state(post: Any) -> tuple[str, datetime]:
    row = fresh(post)
    return str(row.status), row.scheduled_for


def on_that_day(post: Any) -> datetime:
    return post.scheduled_for.replace(year=2031, month=6, day=2, second=0, microsecond=0)  # the field has no seconds


def verbs(post: Any) -> list[str]:
    return list(AuditEvent.objects.filter(subject=f"post:{post.pk}").order_by("id").values_list("verb", flat=True))


def test_reschedule_draft_returns_to_its_new_day(make_draft, author: User) -> None:
    post = make_draft()
    site = open_reschedule(author, post)
    assert state(post) == ("DRAFT", post.scheduled_for)
    site.press(way="edit")
    assert state(post) == ("DRAFT", on_that_day(post))
    assert site.answer.url == f"{POSTS}calendar/?view=week&on={TO}"
    assert verbs(post) == ["create", "edit"]


def test_reschedule_waiting_post_makes_open_review_pages_stale(make_waiting, author: User, reviewer: User) -> None:
    post = make_waiting()
    before = AdminClient(reviewer).review(post)
    open_reschedule(author, post).press(way="edit")
    assert state(post) == ("WAITING_FOR_APPROVAL", on_that_day(post))
    before.press("approve")
    assert "has changed since you opened it" in before.text
    assert state(post) == ("WAITING_FOR_APPROVAL", on_that_day(post))


def test_stale_page_changes_nothing(make_draft, author: User) -> None:
    post = make_draft()
    site = open_reschedule(author, post)
    drafts.edit(actors.user_actor(author), post, changes={"media": None})
    site.press(way="edit")
    assert "Not saved" in site.text
    assert state(post) == ("DRAFT", post.scheduled_for)
    site.press(way="edit")
    assert state(post) == ("DRAFT", on_that_day(post))


def test_reapprove_scheduled_post_revokes_the_old_approval(make_scheduled, reviewer: User) -> None:
    post = make_scheduled()
    site = open_reschedule(reviewer, post)
    assert state(post) == ("SCHEDULED", post.scheduled_for)
    site.press(way="reapprove")
    assert state(post) == ("SCHEDULED", on_that_day(post))
    now = fresh(post)
    assert now.task_id not in {None, post.task_id}
    assert now.approval_id != post.approval_id
    assert Approval.objects.get(pk=post.approval_id).revoked_at is not None
    assert now.approval.content["scheduledFor"] == on_that_day(post).isoformat()
    assert now.approval.checks
    assert verbs(post)[-3:] == ["revert", "submit", "approve"]


def test_reapprove_with_two_person_approval_waits_for_another_reviewer(
    make_scheduled, reviewer: User, organization: Organization
) -> None:
    post = make_scheduled()
    Organization.objects.filter(pk=organization.pk).update(second_approver=True)
    site = open_reschedule(reviewer, post)
    assert "followed by another reviewer's" in site.text
    site.press(way="reapprove")
    assert state(post) == ("WAITING_FOR_APPROVAL", on_that_day(post))
    assert "is not published without one" in site.follow().text
    assert verbs(post)[-3:] == ["revert", "submit", "approve_first"]


def test_reapprove_own_post_is_forbidden_and_changes_nothing(
    make_scheduled, author: User, organization: Organization
) -> None:
    """The author issued the key that wrote the post. The transaction is rolled back: the old approval stays valid."""
    post = make_scheduled()
    Membership.objects.filter(user=author).update(may_review=True)
    site = open_reschedule(author, post)
    assert site.answer.context["options"].why_not
    site.press(way="reapprove")
    assert site.answer.status_code == 403
    row = fresh(post)
    assert state(post) == ("SCHEDULED", post.scheduled_for)
    assert (row.task_id, row.approval_id) == (post.task_id, post.approval_id)
    assert Approval.objects.get(pk=post.approval_id).revoked_at is None
    assert "revert" not in verbs(post)


def test_resubmit_scheduled_post_waits_for_approval(make_scheduled, author: User) -> None:
    post = make_scheduled()
    site = open_reschedule(author, post).press(way="resubmit")
    assert state(post) == ("WAITING_FOR_APPROVAL", on_that_day(post))
    row = fresh(post)
    assert (row.task_id, row.approval_id, row.last_edited_by_user) == (None, None, author)
    site.follow()
    assert "is not published without one" in site.text


def test_reschedule_of_publishing_post_is_refused(make_scheduled, reviewer: User) -> None:
    post = make_scheduled()
    site = open_reschedule(reviewer, post)
    fresh(post).apply_transition("claim")
    site.press(way="reapprove")
    assert "it is now “Publishing”" in site.text
    assert state(post) == ("PUBLISHING", post.scheduled_for)


def test_approve_waiting_post_for_another_day(make_waiting, reviewer: User) -> None:
    post = make_waiting()
    open_reschedule(reviewer, post).press(way="approve")
    assert state(post) == ("SCHEDULED", on_that_day(post))


@pytest.mark.parametrize("past", [False, True])
def test_reschedule_to_nonexistent_or_past_time_is_refused(past: bool, make_scheduled, reviewer: User) -> None:
    User.objects.filter(pk=reviewer.pk).update(time_zone="Europe/Lisbon")
    post = make_scheduled(scheduled_for=datetime(2031, 3, 1, 1, 30, tzinfo=UTC))
    to = "2020-03-01" if past else "2031-03-30"  # on which Lisbon's clocks skip the hour from one to two
    site = open_reschedule(reviewer, post, to)
    assert past or "skip 01:30 on that day" in site.text
    site.press(way="reapprove")
    assert ("skip this hour" in site.text) is not past
    assert state(post) == ("SCHEDULED", post.scheduled_for)


def test_partly_published_post_cannot_be_rescheduled(make_scheduled, reviewer: User) -> None:
    post = make_scheduled()
    post.deliveries.filter(pk=post.deliveries.first().pk).update(state="PUBLISHED")
    site = open_reschedule(reviewer, post)
    assert "cannot be rescheduled" in site.text
    assert not site.offers("move")
    assert Status(fresh(post).status) == Status.SCHEDULED


def test_approve_retry_of_failed_post_for_another_day(make_scheduled, reviewer: User) -> None:
    post = make_scheduled()
    post.apply_transition("fail", task_id=None, failure_reason="Failed.")
    post.deliveries.update(state="FAILED")
    open_reschedule(reviewer, post).press(way="approve")
    assert state(post) == ("SCHEDULED", on_that_day(post))
    assert review.is_author(reviewer, post) is False
    assert clock.now() + timedelta(days=1) < on_that_day(post)


def test_reviewer_of_another_channel_cannot_reschedule_or_revert(make_scheduled, reviewer: User, facebook) -> None:
    post = make_scheduled()
    Membership.objects.filter(user=reviewer).update(review_channels=[facebook.public_id], role="VIEWER")
    site = open_reschedule(reviewer, post)
    assert "a channel that you do not review" in site.text
    assert site.send(f"{POSTS}{post.pk}/revert/").status_code == 403
    assert state(post) == ("SCHEDULED", post.scheduled_for)


def test_page_previews_the_new_time_and_approves_first_t8(
    make_waiting, reviewer: User, author: User, both: User
) -> None:
    post = make_waiting(scheduled_for=datetime(2031, 1, 1, 10, tzinfo=UTC))
    site = AdminClient(both).open(f"{POSTS}{post.pk}/move/?to=2031-02-03")
    html = site.answer.content.decode()
    preview = html[html.index('aria-label="Previews"') : html.index('id="decision"')]
    assert ("3 Feb 2031, 10:00" in preview, "1 Jan 2031" in preview) == (True, False)
    assert 'value="approve" class="button primary big"' in html
    assert 'value="edit" class="button big"' in html
    assert "another reviewer must approve it" in site.text
    html = AdminClient(author).open(f"{POSTS}{post.pk}/move/").answer.content.decode()
    assert 'value="edit" class="button primary big"' in html


def test_messages_name_the_fields_of_the_form_t12(make_waiting, both: User) -> None:
    post = make_waiting()
    site = AdminClient(both)
    site.review(post).press("approve", when="2020-01-01T10:00")
    assert "Choose a time in the future." in site.text
    site.open(f"{POSTS}{post.pk}/move/").press(when="2020-01-01T10:00", way="approve")
    assert "Choose a time in the future." in site.text
    assert "scheduledFor must" not in site.text


@pytest.mark.parametrize(
    ("status", "way", "result"),
    [
        ("DRAFT", "edit", "DRAFT"),
        ("WAITING_FOR_APPROVAL", "edit", "WAITING_FOR_APPROVAL"),
        ("WAITING_FOR_APPROVAL", "approve", "SCHEDULED"),
        ("SCHEDULED", "reapprove", "SCHEDULED"),
        ("SCHEDULED", "resubmit", "WAITING_FOR_APPROVAL"),
    ],
)
def test_second_click_of_a_reschedule_is_done_a22(
    make_draft, make_waiting, make_scheduled, both: User, status: str, way: str, result: str
) -> None:
    make = {"DRAFT": make_draft, "WAITING_FOR_APPROVAL": make_waiting, "SCHEDULED": make_scheduled}[status]
    post = make()
    first, second, another = (open_reschedule(both, post, to) for to in (TO, TO, "2031-06-03"))
    first.press(way=way)
    done = verbs(post)
    assert second.press(way=way).answer.status_code == 302
    assert second.answer.url == first.answer.url
    assert "another user" not in second.follow().text
    assert another.press(way=way).answer.status_code == 200  # for another time
    assert (state(post), verbs(post)) == ((result, on_that_day(post)), done)
