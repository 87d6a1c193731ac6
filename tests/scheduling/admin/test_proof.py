"""Step-up and second factors at the moment of a decision: asked, and nothing that was typed is lost."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from accounts import clock
from accounts.domain import mfa
from accounts.models import Invitation, Membership, Organization, User
from scheduling.domain.media_inspection import inspect_media
from scheduling.models import Approval, ScheduledPost
from tests.accounts.admin.test_login import code_of, enrol
from tests.admin_client import POSTS, Desk


def status(post: Any) -> str:
    return str(ScheduledPost.objects.get(pk=post.pk).status)


@pytest.fixture
def late(settings: Any) -> Any:
    """A session whose last proof is older than the limit, though the posts are still to come."""
    settings.REAUTHENTICATE_AFTER = 600
    return lambda: time_machine.travel(clock.now() + timedelta(minutes=11), tick=True)


def test_an_old_session_is_asked_for_the_password_and_what_was_typed_goes_on(
    make_waiting: Any, reviewer: Any, late: Any
) -> None:
    post = make_waiting()
    desk = Desk(reviewer).review(post)
    with late():
        desk.press("reject", notes="Not “yet”,\r\nplease <wait>.")
        assert (status(post), desk.answer.status_code) == ("WAITING_FOR_APPROVAL", 403)
        desk.press("reject", proof="guess")
        assert (status(post), "not your password" in desk.text) == ("WAITING_FOR_APPROVAL", True)
        desk.press("reject", proof=reviewer.raw_password)
        assert status(post) == "REJECTED"
        assert ScheduledPost.objects.get(pk=post.pk).notes == "Not “yet”,\nplease <wait>."

        another = make_waiting()
        desk.review(another).press("approve")  # asked once is enough for a while
        assert status(another) == "SCHEDULED"


def test_a_proof_takes_the_token_of_the_page_like_any_other_post(make_waiting: Any, reviewer: Any, late: Any) -> None:
    post = make_waiting()
    desk = Desk(reviewer).review(post)
    with late():
        url = f"{POSTS}{post.pk}/approve/"
        digest = desk.form("approve").fields["digest"]
        assert desk.client.post(url, {"digest": digest, "proof": reviewer.raw_password}).status_code == 403
        assert desk.press("approve").answer.status_code == 403
    assert (status(post), Approval.objects.count()) == ("WAITING_FOR_APPROVAL", 0)


def test_guessing_the_proof_is_throttled_like_the_sign_in(
    make_waiting: Any, reviewer: Any, late: Any, settings: Any
) -> None:
    post = make_waiting()
    desk = Desk(reviewer).review(post)
    with late():
        desk.press("approve")
        form = desk.form("approve")
        answers = [
            desk.client.post(form.action, {**form.fields, "proof": "guess"}).status_code
            for _ in range(settings.AXES_FAILURE_LIMIT)
        ]
        assert answers == [*[403] * (settings.AXES_FAILURE_LIMIT - 1), 429]
        assert desk.client.post(form.action, {**form.fields, "proof": reviewer.raw_password}).status_code == 429
    assert status(post) == "WAITING_FOR_APPROVAL"


def test_a_session_that_has_not_seen_the_second_factor_is_asked_for_its_code(make_waiting: Any, reviewer: User) -> None:
    post = make_waiting()
    enrol(reviewer)
    desk = Desk(reviewer).review(post)  # its password alone opened it, past the sign-in's pages
    desk.press("approve")
    assert (status(post), "authenticator app" in desk.text) == ("WAITING_FOR_APPROVAL", True)
    desk.press("approve", proof=reviewer.raw_password)  # type: ignore[attr-defined]
    assert status(post) == "WAITING_FOR_APPROVAL"
    with time_machine.travel(clock.now() + timedelta(seconds=61), tick=True):
        desk.press("approve", proof=code_of(reviewer))
    assert status(post) == "SCHEDULED"


def test_where_a_second_factor_is_demanded_nobody_decides_without_and_is_told_how(
    make_waiting: Any, reviewer: User, organization: Organization
) -> None:
    post = make_waiting()
    desk = Desk(reviewer).review(post)
    digest = desk.form("approve").fields["digest"]
    Organization.objects.filter(pk=organization.pk).update(require_mfa=True)
    desk.press("approve")
    assert (status(post), desk.answer.status_code) == ("WAITING_FOR_APPROVAL", 403)
    assert "set one up first" in desk.text
    assert "/admin/account/mfa/" in desk.page.links
    assert not desk.offers("approve")

    desk.open("/admin/account/mfa/").press()
    desk.open("/admin/account/mfa/")
    form = next(form for form in desk.page.forms if not form.action)
    desk.client.post("/admin/account/mfa/", {**form.fields, "code": code_of(reviewer)})
    assert mfa.get_mfa(reviewer) is not None
    desk.review(post).press("approve", digest=digest)
    assert status(post) == "SCHEDULED"


def test_who_is_demoted_with_the_page_open_decides_nothing(make_waiting: Any, reviewer: User) -> None:
    post = make_waiting()
    desk = Desk(reviewer).review(post)
    Membership.objects.filter(user=reviewer).update(review_channels=[])
    desk.press("approve")
    assert (status(post), desk.answer.status_code, desk.offers("approve")) == ("WAITING_FOR_APPROVAL", 403, False)


def test_the_page_says_who_approved_first_and_offers_the_second_what_schedules_it(
    make_waiting: Any, reviewer: User, make_member: Any, organization: Organization
) -> None:
    Organization.objects.filter(pk=organization.pk).update(second_approver=True)
    other = make_member("other", organization, may_review=True)
    post = make_waiting()
    first = Desk(reviewer).review(post)
    assert not first.offers("publish")
    assert "Once two people have approved it, it goes public on" in first.text
    first.press("approve").review(post)
    assert ("as the first of two" in first.text, first.offers("approve")) == (True, False)
    second = Desk(other).review(post)
    assert "reviewer approved exactly this" in second.text
    assert "Once a second person has approved the same, it goes public on" in second.text
    second.press("approve")
    assert status(post) == "SCHEDULED"
    Approval.objects.update(first_approval=None)  # as if one person had approved it before the organization wanted two
    alone = second.review(post)
    assert ("It will not go out:" in alone.text, "Goes public on" in alone.text) == (True, False)


def test_of_a_failure_it_says_that_two_have_to_approve_another_try(
    make_scheduled: Any, reviewer: User, make_member: Any, organization: Organization
) -> None:
    post = make_scheduled()
    post.apply_transition("fail", task_id=None)
    post.deliveries.update(state="FAILED")
    Organization.objects.filter(pk=organization.pk).update(second_approver=True)
    desk = Desk(reviewer).review(post)
    assert "another try goes out once two people have approved it" in desk.text
    desk.press("approve")
    other = Desk(make_member("other", organization, may_review=True)).review(post)
    assert "reviewer approved another try: on" in other.text
    assert "a person decides" not in other.text


def test_what_nobody_has_looked_at_yet_is_offered_once_a_worker_has(make_waiting: Any, reviewer: User) -> None:
    post = make_waiting(looked=False)
    desk = Desk(reviewer).review(post)
    assert (desk.offers("approve"), "A worker is looking at the media" in desk.text) == (False, True)
    queue = Desk(reviewer).open("/admin/scheduling/scheduledpost/?status=WAITING_FOR_APPROVAL")
    assert (queue.answer.context["pickable"], "A worker is looking at the media" in queue.text) == (False, True)
    inspect_media(str(post.pk), post.version)
    assert desk.review(post).offers("approve")


def test_an_old_session_sets_up_no_second_factor_to_pass_the_question_with(
    make_waiting: Any, reviewer: Any, late: Any
) -> None:
    """Else whoever finds the desk unattended brings their own phone, and is asked for its code instead."""
    post = make_waiting()
    desk = Desk(reviewer).open("/admin/account/mfa/")
    with late():
        desk.press()
        assert (desk.answer.status_code, mfa.get_pending_mfa(reviewer)) == (403, None)
        desk.press("mfa", proof=reviewer.raw_password)
        assert mfa.get_pending_mfa(reviewer) is not None
    with time_machine.travel(clock.now() + timedelta(minutes=23), tick=True):
        desk.open("/admin/account/mfa/").press(code=code_of(reviewer))
        assert (desk.answer.status_code, mfa.get_mfa(reviewer)) == (403, None)
        desk.review(post).press("approve")
        assert (status(post), desk.answer.status_code) == ("WAITING_FOR_APPROVAL", 403)


def test_an_old_session_gives_nobody_the_right_to_decide(
    reviewer: Any, admin_member: Any, outsider: User, late: Any
) -> None:
    """Inviting a reviewer, changing a member: as good as deciding oneself, so it takes the same proof."""
    member = Membership.objects.get(user=reviewer)
    desk = Desk(admin_member)
    with late():
        desk.open("/admin/accounts/membership/invite/").press(
            email="second.me@example.com", may_review="on", reach="all"
        )
        assert (desk.answer.status_code, Invitation.objects.count()) == (403, 0)
        desk.open(f"/admin/accounts/membership/{member.pk}/change/").press(role="ADMIN")
        assert (desk.answer.status_code, Membership.objects.get(pk=member.pk).role) == (403, member.role)
        desk.press("change", proof=admin_member.raw_password)
        assert Membership.objects.get(pk=member.pk).role == "ADMIN"

        User.objects.filter(pk=admin_member.pk).update(is_superuser=True)
    with time_machine.travel(clock.now() + timedelta(minutes=40), tick=True):
        before = User.objects.get(pk=outsider.pk).password
        typed = {"password1": "a-long-passphrase", "password2": "a-long-passphrase", "usable_password": "true"}
        desk.open(f"/admin/accounts/user/{outsider.pk}/password/").press(**typed)
        assert (desk.answer.status_code, User.objects.get(pk=outsider.pk).password) == (403, before)
        assert "a-long-passphrase" not in desk.text
