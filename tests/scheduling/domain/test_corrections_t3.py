"""Corrections of captions by a reviewer, together with the approval."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from accounts import clock
from accounts.domain import actors
from accounts.exceptions import Forbidden, Invalid
from accounts.models import AuditEvent, Membership
from scheduling.domain import approval_events, correction_events, corrections, drafts, review, two_person_approval, undo
from scheduling.domain.content import caption_hash, current_content
from scheduling.domain.drafts import ChannelText
from scheduling.domain.notifications import emails, recipients
from scheduling.domain.publishing import gate
from scheduling.domain.review import StaleApproval
from scheduling.lifecycle import StateConflict
from scheduling.models import Approval, NotificationDelivery
from tests.helpers import approve, at_once, fresh

pytestmark = pytest.mark.django_db
CORRECTED = "Olá from the corrected Casa do Sol"


@pytest.fixture
def permitted(organization):
    organization.reviewers_may_correct = True
    organization.save()
    return organization


def correct(reviewer: Any, post: Any, *channels: Any, text: str = CORRECTED, **options: Any) -> Approval:
    post = fresh(post)
    state = {"digest": current_content(post)[1], "revision": post.revision} | options
    captions = {channel.public_id: text for channel in channels}
    return corrections.correct_and_approve(reviewer, post, captions=captions, **state)


def captions(post: Any) -> set[str]:
    return set(post.deliveries.values_list("caption", flat=True))


def verbs(post: Any) -> list[str]:
    return list(AuditEvent.objects.filter(subject=f"post:{post.pk}").order_by("id").values_list("verb", flat=True))


def test_correction_and_approval_are_two_events_and_one_approval_over_the_corrected_digest(
    permitted, make_waiting, judge, reviewer, facebook, instagram
):
    post = make_waiting()
    approval = correct(judge, post, facebook)
    now = fresh(post)
    assert (now.status, now.approval) == ("SCHEDULED", approval)
    assert approval.digest == current_content(now)[1]
    assert captions(now) == {CORRECTED, f"Olá from {instagram.name} 👋"}
    assert now.deliveries.get(channel=facebook).caption_hash == caption_hash(CORRECTED)
    assert approval_events.find_forgery(now, approval) == ""
    assert gate.approver_refusal(now, approval) is None
    assert verbs(now)[-2:] == ["correct", "approve"]
    event = AuditEvent.objects.get(subject=f"post:{post.pk}", verb="correct")
    change = {"channels": {facebook.public_id: {"caption": [f"Olá from {facebook.name} 👋", CORRECTED]}}}
    assert (event.actor_id, event.digest, event.details["changed"]) == (str(reviewer.pk), approval.digest, change)


def test_corrector_is_the_last_editor_but_no_author(permitted, make_waiting, judge, reviewer, facebook):
    post = make_waiting()
    correct(judge, post, facebook)
    now = fresh(post)
    assert not review.is_author(reviewer, now)
    assert (now.last_edited_by_user, now.last_edited_by_key) == (reviewer, None)
    review.revert(judge.actor, now)
    review.submit(judge.actor, now)
    approve(judge, now)


@pytest.mark.parametrize("why", ["policy", "author", "channel", "stale", "unchanged", "invalid", "status", "unknown"])
def test_refused_correction_changes_nothing(
    why, organization, make_waiting, judge, reviewer, seat, facebook, instagram
):
    organization.reviewers_may_correct = why != "policy"
    organization.save()
    post = make_waiting(actor=actors.user_actor(reviewer) if why == "author" else None, channels=[facebook])
    errors: dict[str, Any] = {"stale": StaleApproval, "unchanged": Invalid, "invalid": Invalid, "unknown": Invalid}
    options: dict[str, Any] = {"stale": {"digest": "0" * 64}, "invalid": {"text": "x" * 70_000}}.get(why, {})
    channels = {"unchanged": [], "unknown": [instagram]}.get(why, [facebook])
    by = judge
    if why == "channel":
        Membership.objects.filter(user=reviewer).update(review_channels=[instagram.public_id])
        by = seat(reviewer, organization)
    if why == "status":
        approve(judge, post)
    before, seen, approvals = captions(post), verbs(post), Approval.objects.count()
    with pytest.raises(errors.get(why, StateConflict if why == "status" else Forbidden)):
        correct(by, post, *channels, **options)
    assert (captions(post), verbs(post), Approval.objects.count()) == (before, seen, approvals)
    assert fresh(post).version == post.version


def test_page_from_before_an_edit_is_stale(permitted, make_waiting, judge, key, facebook):
    post = make_waiting(channels=[facebook])
    shown = {"digest": current_content(fresh(post))[1], "revision": fresh(post).revision}
    texts = {facebook.public_id: ChannelText(facebook.type, "Rewritten by the author")}
    drafts.edit(actors.api_key_actor(key), fresh(post), changes={"channels": texts})
    with pytest.raises(StaleApproval):
        correct(judge, post, facebook, **shown)
    assert captions(post) == {"Rewritten by the author"}


def test_correction_is_the_first_of_two_approvals_and_voids_an_earlier_one(
    permitted, two, make_waiting, judge, second, facebook
):
    post = make_waiting(channels=[facebook])
    earlier = approve(judge, post)
    approval = correct(second, post, facebook)
    earlier.refresh_from_db()
    assert earlier.revoked_at is not None
    assert two_person_approval.pending_first_approval(fresh(post)) == approval
    assert fresh(post).status == "WAITING_FOR_APPROVAL"
    final = approve(judge, post)
    assert (final.post.status, final.first_approval, captions(post)) == ("SCHEDULED", approval, {CORRECTED})
    assert approval_events.find_forgery(fresh(post), final) == ""


@pytest.mark.parametrize("first", [False, True])
def test_author_is_notified_of_the_approval_with_the_correction(
    first, permitted, make_waiting, judge, seat, make_member, organization, author, facebook
):
    post = make_waiting(actor=actors.user_actor(author), channels=[facebook])
    if first:
        organization.second_approver = True
        organization.save()
    correct(judge, post, facebook)
    if first:
        approve(seat(make_member("other", organization, may_review=True), organization), post)
    with time_machine.travel(clock.now() + timedelta(seconds=15)):
        recipients.fan_out()
    delivery = NotificationDelivery.objects.select_related("notice").get(notice__kind="APPROVED", user=author)
    body = emails.build_email(delivery).body
    assert f"reviewer corrected the caption on {facebook.name}." in body
    assert f"> {CORRECTED}" in body


def test_approval_without_a_correction_in_force_does_not_mention_one(permitted, make_waiting, judge, author, facebook):
    post = make_waiting(actor=actors.user_actor(author), channels=[facebook])
    correct(judge, post, facebook)
    review.revert(judge.actor, fresh(post))
    texts = {facebook.public_id: ChannelText(facebook.type, "Mine again")}
    drafts.edit(actors.user_actor(author), fresh(post), changes={"channels": texts})
    review.submit(actors.user_actor(author), fresh(post))
    approve(judge, post)
    assert correction_events.corrections_in_force(post.pk) == []


@pytest.mark.parametrize("pair", [False, True])
def test_undo_restores_the_authors_captions_and_the_editor(
    pair, permitted, make_waiting, organization, reviewer, seat, key, facebook
):
    organization.second_approver = pair
    organization.save()
    post = make_waiting()
    before, digest = captions(post), current_content(fresh(post))[1]
    judge = seat(reviewer, organization)
    approval = correct(judge, post, facebook, scheduled_for=post.scheduled_for + timedelta(days=1))
    version = fresh(post).version
    undo.undo(judge, approval.pk)
    now = fresh(post)
    assert (now.status, captions(now), current_content(now)[1]) == ("WAITING_FOR_APPROVAL", before, digest)
    assert (now.version, now.last_edited_by_user, now.last_edited_by_key) == (version + 1, None, key)
    assert correction_events.corrections_in_force(post.pk) == []
    assert not review.is_author(reviewer, now)
    approve(judge, post)


@pytest.mark.django_db(transaction=True)
def test_of_two_concurrent_corrections_one_wins(permitted, make_waiting, judge, seat, make_member, facebook):
    post = make_waiting(channels=[facebook])
    other = seat(make_member("other", permitted, may_review=True), permitted)
    results = at_once(
        lambda: correct(judge, post, facebook, text="First wording"),
        lambda: correct(other, post, facebook, text="Second wording"),
    )
    won = [result for result in results if isinstance(result, Approval)]
    assert len(won) == 1
    assert verbs(post).count("correct") == verbs(post).count("approve") == 1
    assert fresh(post).approval.digest == current_content(fresh(post))[1]
