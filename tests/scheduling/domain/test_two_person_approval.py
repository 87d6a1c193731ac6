"""Two approvals: different people, the same content, checked again before publishing. Reviewers of some channels."""

from contextlib import nullcontext
from typing import Any

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import IntegrityError, connection, transaction
from django.test import RequestFactory

from accounts.domain import actors, mfa, sessions
from accounts.domain.reviewers import PASSWORD_BACKEND, Reviewer, get_reviewer
from accounts.exceptions import Conflict, Forbidden
from accounts.models import AuditEvent, Membership, Organization
from scheduling.domain import content, drafts, manual_resolution, review
from scheduling.domain.drafts import ChannelText
from scheduling.domain.publishing import gate
from scheduling.domain.publishing.lease import load_post
from scheduling.models import Approval, DeliveryState
from tests.accounts.admin.test_login import code_of
from tests.helpers import approve, at_once, fresh
from tests.scheduling.domain.conftest import send

pytestmark = pytest.mark.django_db


def verified_seat(user: Any, organization: Organization) -> Reviewer:
    """Return the reviewer with a session that was verified with MFA."""
    request = RequestFactory().post("/admin/")
    request.session = SessionStore()
    request.session.create()
    request.session[BACKEND_SESSION_KEY] = PASSWORD_BACKEND
    request.user = user
    sessions.mark_authenticated(request, device_id=mfa.get_mfa(user).pk)
    return get_reviewer(request, organization)


def permit(post: Any) -> Any:
    loaded = load_post(str(post.pk))
    assert loaded
    return gate.authorize(*loaded)


def test_second_approval_schedules_the_post(two, make_waiting, judge, second, reviewer, seat) -> None:
    post = make_waiting()
    first = approve(judge, post)
    assert (fresh(post).status, fresh(post).approval, fresh(post).task_id) == ("WAITING_FOR_APPROVAL", None, None)
    with pytest.raises(Conflict, match="another reviewer"):
        approve(seat(reviewer, two), post)  # the same person, in another session
    final = approve(second, post)
    stored = fresh(post)
    assert (stored.status, stored.approval) == ("SCHEDULED", final)
    assert (final.first_approval, final.digest) == (first, first.digest)
    assert permit(post)["channels"]
    verbs = list(AuditEvent.objects.filter(subject=f"post:{post.pk}").order_by("id").values_list("verb", flat=True))
    assert verbs == ["create", "submit", "inspect", "approve_first", "approve"]


@pytest.mark.parametrize("what", ["edit", "reject", "moved", "demoted"])
def test_approval_after_a_change_is_a_first_approval_again(
    what: str, two, make_waiting, judge, second, key, facebook, reviewer
) -> None:
    post = make_waiting(channels=[facebook])
    first = approve(judge, post)
    moved: dict[str, Any] = {}
    if what == "edit":
        caption = fresh(post).deliveries.get().caption
        for text in ("Swapped", caption):  # the second edit restores the approved content
            changes = {"channels": {facebook.public_id: ChannelText("FB_PAGE", text)}}
            drafts.edit(actors.api_key_actor(key), fresh(post), changes=changes)
    elif what == "reject":
        review.reject(second.actor, fresh(post), notes="No")
        review.submit(actors.api_key_actor(key), fresh(post))
    elif what == "moved":
        moved = {"scheduled_for": fresh(post).scheduled_for.replace(microsecond=7)}
    else:
        Membership.objects.filter(user=reviewer).update(may_review=False)
    again = approve(second, post, **moved)
    assert (fresh(post).status, again.first_approval) == ("WAITING_FOR_APPROVAL", None)
    if what == "moved":
        assert fresh(post).scheduled_for == moved["scheduled_for"]
        assert approve(judge, post).first_approval == again
        assert fresh(post).status == "SCHEDULED"
    if what in {"edit", "reject"}:
        first.refresh_from_db()
        assert first.revoked_at is not None


def test_new_brief_voids_a_first_approval_a23(two, make_waiting, judge, second, key) -> None:
    post = make_waiting(brief="The prices are from the owner")
    approve(judge, post)
    drafts.edit(actors.api_key_actor(key), fresh(post), changes={"brief": "The prices are guesses"})
    approve(second, post)
    assert (fresh(post).status, Approval.objects.filter(post=post, revoked_at=None).count()) == (
        "WAITING_FOR_APPROVAL", 1,
    )  # fmt: skip
    approve(judge, post)
    assert fresh(post).status == "SCHEDULED"


def test_publish_now_with_two_approvals_required_raises_conflict(two, make_waiting, judge) -> None:
    with pytest.raises(Conflict, match="same scheduled time"):
        approve(judge, make_waiting(), now=True)
    assert Approval.objects.count() == 0


@pytest.mark.parametrize("how", ["alone", "self", "void", "demoted", "elsewhere"])
def test_gate_without_a_second_approval_is_closed(how: str, two, make_waiting, judge, second, reviewer) -> None:
    post = make_waiting()
    first, final = approve(judge, post), approve(second, post)
    assert permit(post)
    if how == "alone":
        Approval.objects.filter(pk=final.pk).update(first_approval=None)
    elif how == "self":
        Approval.objects.filter(pk=first.pk).update(reviewer=final.reviewer)
    elif how == "void":
        Approval.objects.filter(pk=first.pk).update(revoked_at=first.created_at)
    elif how == "demoted":
        Membership.objects.filter(user=reviewer).update(may_review=False)
    else:
        Approval.objects.filter(pk=first.pk).update(digest="0" * 64)
    with pytest.raises(gate.GateClosed) as closed:
        permit(post)
    assert closed.value.code == "ONE_APPROVER"


def test_requiring_two_approvals_stops_posts_with_one(make_enqueued, organization, travel, sandbox, facebook) -> None:
    post = make_enqueued(channels=[facebook])
    Organization.objects.filter(pk=organization.pk).update(second_approver=True)
    travel(post)
    assert send(post) == "refused"
    assert fresh(post).deliveries.get().error_code == "ONE_APPROVER"


@pytest.mark.django_db(transaction=True)
def test_concurrent_first_approvals_make_one_pair(two, make_waiting, judge, second, facebook) -> None:
    post = make_waiting(channels=[facebook])
    page = {"revision": fresh(post).revision, "digest": content.current_content(fresh(post))[1]}
    answers = at_once(*(lambda by=by: review.approve(by, fresh(post), **page) for by in (judge, second)))
    assert {type(answer) for answer in answers} == {Approval}
    final = fresh(post).approval
    assert final is not None
    assert (fresh(post).status, Approval.objects.count()) == ("SCHEDULED", 2)
    assert {final.reviewer, final.first_approval.reviewer} == {judge.user, second.user}


def test_reviewer_of_one_channel_cannot_decide_on_other_channels(
    make_waiting, make_scheduled, seat, reviewer, organization, facebook, instagram
) -> None:
    waiting, mine = make_waiting(), make_waiting(channels=[facebook])
    out = make_scheduled(channels=[facebook])
    Membership.objects.filter(user=reviewer).update(review_channels=[facebook.public_id])
    limited = seat(reviewer, organization)
    with pytest.raises(Forbidden, match="channel"):
        approve(limited, waiting)
    with pytest.raises(Forbidden, match="channel"):
        review.reject(limited, fresh(waiting), notes="No")
    approve(limited, mine)
    assert (fresh(waiting).status, fresh(mine).status) == ("WAITING_FOR_APPROVAL", "SCHEDULED")

    Membership.objects.filter(user=reviewer).update(review_channels=[instagram.public_id])
    with pytest.raises(gate.GateClosed):
        permit(out)
    fresh(out).apply_transition("fail")
    out.deliveries.update(state=DeliveryState.UNKNOWN)
    with pytest.raises(Forbidden, match="do not review"):
        manual_resolution.mark_not_published(
            seat(reviewer, organization), out.deliveries.get(), revision=fresh(out).revision
        )


def test_requiring_mfa_stops_posts_approved_without_it(
    organization: Organization, make_waiting, seat, reviewer, judge, other
) -> None:
    alone, pair = make_waiting(), make_waiting()
    approve(judge, alone)
    organization.second_approver = organization.require_mfa = True
    organization.save()
    for who in (reviewer, other):
        mfa.start_enrolment(who)
    mfa.confirm_enrolment(other, code_of(other))
    with pytest.raises(gate.GateClosed) as closed:
        permit(alone)
    assert closed.value.code == "ONE_APPROVER"
    Organization.objects.update(second_approver=False)
    with pytest.raises(gate.GateClosed) as closed:
        permit(alone)
    assert closed.value.code == "NO_SECOND_FACTOR"

    Organization.objects.update(second_approver=True)
    approve(judge, pair)  # by a session from before MFA was required
    verified = verified_seat(other, organization)
    assert approve(verified, pair).first_approval is None  # the one without counts for nothing
    assert fresh(pair).status == "WAITING_FOR_APPROVAL"
    mfa.confirm_enrolment(reviewer, code_of(reviewer))
    assert approve(verified_seat(reviewer, organization), pair).first_approval is not None
    assert permit(pair)


def test_database_refuses_two_approvals_by_one_person(two, make_waiting, judge) -> None:
    first = approve(judge, make_waiting())
    row = {name: getattr(first, name) for name in ("post", "reviewer", "session", "version", "digest", "content")}
    # SQLite has no such guard: there the gate alone refuses it, see above.
    with pytest.raises(IntegrityError) if connection.vendor == "postgresql" else nullcontext(), transaction.atomic():
        Approval.objects.create(**row, first_approval=first)
