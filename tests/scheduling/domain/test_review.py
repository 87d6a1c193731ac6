"""Submitting, approving, rejecting and reverting: who may, and which content an approval covers."""

from datetime import timedelta

import pytest

from accounts import clock
from accounts.domain import actors, api_keys, audit_log, audit_verification
from accounts.domain.audit_log import canonical_sha256
from accounts.domain.reviewers import Reviewer, get_reviewer
from accounts.exceptions import Conflict, Forbidden, Invalid
from accounts.models import AuditEvent, Invitation, Organization, Role
from scheduling.domain import content, drafts, review
from scheduling.domain.drafts import ChannelText
from scheduling.domain.media_inspection import inspect_media
from scheduling.lifecycle import StateConflict
from scheduling.models import Approval, Attempt, ScheduledPost
from tests.helpers import approve, fresh

pytestmark = [pytest.mark.embedded, pytest.mark.django_db]


def shown(post):
    return content.current_content(ScheduledPost.objects.get(pk=post.pk))[1]


def test_approve_schedules_the_post_and_records_approval_and_event(make_waiting, judge, reviewer):
    post = make_waiting()
    approval = approve(judge, post)
    now = fresh(post)
    assert (now.status, now.approval, now.task_id is not None) == ("SCHEDULED", approval, True)
    assert (approval.reviewer, approval.digest) == (reviewer, shown(post))
    event = AuditEvent.objects.filter(subject=f"post:{post.pk}").latest("id")
    assert (event.verb, event.state_from, event.state_to) == ("approve", "WAITING_FOR_APPROVAL", "SCHEDULED")
    assert (event.actor_kind, event.actor_id, event.digest) == ("PERSON", str(reviewer.pk), approval.digest)


def test_approve_after_an_edit_raises_stale_approval_with_the_difference(make_waiting, judge, key, facebook):
    post = make_waiting()
    page = shown(post)
    text = {facebook.public_id: ChannelText("FB_PAGE", "Swapped")}
    drafts.edit(actors.api_key_actor(key), fresh(post), changes={"channels": text})
    with pytest.raises(review.StaleApproval) as caught:
        review.approve(judge, post, revision=post.revision, digest=page)
    changed = {tuple(item["path"]): (item["before"], item["after"]) for item in caught.value.difference}
    assert changed["channels", facebook.public_id, "caption"] == (f"Olá from {facebook.name} 👋", "Swapped")
    assert (fresh(post).status, Approval.objects.count()) == ("WAITING_FOR_APPROVAL", 0)


@pytest.mark.parametrize("seen", ["", "b" * 64])
def test_approve_after_media_bytes_changed_raises_stale_approval(seen, make_waiting, judge):
    post = make_waiting()
    ScheduledPost.objects.filter(pk=post.pk).update(media_sha256=seen)
    page = shown(post)
    ScheduledPost.objects.filter(pk=post.pk).update(media_sha256="a" * 64)
    with pytest.raises(review.StaleApproval):
        review.approve(judge, post, revision=post.revision, digest=page)
    assert Approval.objects.count() == 0


def test_approve_before_media_inspection_raises_conflict(make_waiting, judge):
    post = make_waiting(looked=False)
    with pytest.raises(Conflict, match="media check"):
        approve(judge, post)
    before = {"revision": post.revision, "digest": shown(post)}
    inspect_media(str(post.pk), post.version)
    with pytest.raises(review.StaleApproval):
        review.approve(judge, post, **before)
    approval = approve(judge, post)
    assert approval.content["mediaSha256"] == fresh(post).media_sha256 != ""


@pytest.mark.parametrize("way", ["revert", "reject", "edit"])
def test_approve_with_an_earlier_revision_raises_stale_approval(way, make_waiting, judge, key, facebook):
    post, actor = make_waiting(channels=[facebook]), actors.api_key_actor(key)
    page = {"revision": post.revision, "digest": shown(post)}
    if way == "revert":
        review.approve(judge, post, **page)
        review.submit(actor, review.revert(actor, fresh(post)))
    elif way == "reject":
        review.submit(actor, review.reject(actor, fresh(post), notes="Not yet"))
    else:
        for words in ("Something else", f"Olá from {facebook.name} 👋"):
            text = {facebook.public_id: ChannelText("FB_PAGE", words)}
            drafts.edit(actor, fresh(post), changes={"channels": text})
    assert (fresh(post).status, shown(post)) == ("WAITING_FOR_APPROVAL", page["digest"])
    with pytest.raises(review.StaleApproval, match="submitted again"):
        review.approve(judge, fresh(post), **page)
    approve(judge, post)


def test_approve_with_another_time_covers_that_time(make_waiting, judge):
    post = make_waiting()
    instant = clock.now() + timedelta(days=2)
    approval = approve(judge, post, scheduled_for=instant)
    assert fresh(post).scheduled_for == instant
    assert fresh(post).version == post.version + 1 == approval.version
    assert approval.digest == shown(post)


def test_approve_now_schedules_for_the_present_time(make_waiting, judge):
    post = make_waiting()
    before = clock.now()
    approve(judge, post, now=True)
    assert before <= fresh(post).scheduled_for <= clock.now()


def test_approve_for_a_past_time_raises_invalid(make_waiting, judge):
    post = make_waiting()
    with pytest.raises(Invalid) as caught:
        approve(judge, post, scheduled_for=clock.now() - timedelta(minutes=1))
    assert [detail["path"] for detail in caught.value.details] == [["scheduledFor"]]
    assert fresh(post).status == "WAITING_FOR_APPROVAL"


def test_approve_by_the_author_is_forbidden(make_waiting, make_member, organization, seat):
    writer = make_member("writer", organization, may_review=True)
    post = make_waiting(actor=actors.user_actor(writer))
    with pytest.raises(Forbidden, match="another person"):
        approve(seat(writer, organization), post)


def test_approve_by_the_last_editor_is_forbidden(make_waiting, judge, reviewer):
    post = make_waiting()
    drafts.edit(actors.user_actor(reviewer), fresh(post), changes={"scheduled_for": clock.now() + timedelta(hours=3)})
    with pytest.raises(Forbidden, match="another person"):
        approve(judge, post)


def test_approve_by_an_author_after_anothers_edits_is_forbidden_a7(make_waiting, judge, reviewer, key, facebook):
    """The reviewer rewrites the caption, then a key changes it by one space."""
    post = make_waiting(channels=[facebook])
    for actor, words in ((actors.user_actor(reviewer), "My own words"), (actors.api_key_actor(key), "My own words ")):
        text = {facebook.public_id: ChannelText("FB_PAGE", words)}
        drafts.edit(actor, fresh(post), changes={"channels": text})
    with pytest.raises(Forbidden, match="another person"):
        approve(judge, post)
    assert fresh(post).status == "WAITING_FOR_APPROVAL"


def test_approve_by_the_issuer_of_an_earlier_key_is_forbidden_a7(
    make_waiting, make_key, make_member, organization, seat
):
    issuer = make_member("issuer", organization, Role.EDITOR, may_review=True)
    post = make_waiting()
    writing = actors.api_key_actor(make_key(organization, issuer, "writing agent"))
    person = actors.user_actor(make_member("last", organization))
    for number, actor in enumerate((writing, person, person)):
        drafts.edit(actor, fresh(post), changes={"scheduled_for": clock.now() + timedelta(hours=3 + number)})
    with pytest.raises(Forbidden, match="another person"):
        approve(seat(issuer, organization), post)


def test_members_who_count_as_the_author_do_not_approve_a13(make_waiting, make_member, organization, seat, author):
    """Two people who joined by the author's invitation, and one of them by the other's."""
    post = make_waiting()  # by a key of the author
    puppets = [make_member(name, organization, may_review=True) for name in ("one", "two")]
    for inviter, puppet in zip((author, puppets[0]), puppets, strict=True):
        Invitation.objects.create(
            organization=organization,
            email=puppet.email,
            invited_by=inviter,
            expires_at=clock.now(),
            accepted_at=clock.now(),
            accepted_by=puppet,
        )
    for puppet in puppets:
        with pytest.raises(Forbidden, match="another person"):
            approve(seat(puppet, organization), post)
    Organization.objects.update(second_approver=True, allow_self_approval=True)
    organization.refresh_from_db()
    approve(seat(puppets[0], organization), post)
    with pytest.raises(Conflict, match="first of two"):
        approve(seat(puppets[1], organization), post)
    Invitation.objects.update(identity_confirmed_at=clock.now())
    approve(seat(puppets[1], organization), post)
    assert fresh(post).status == "SCHEDULED"


def test_approve_by_an_author_after_a_reschedule_and_an_audit_purge_is_forbidden(
    make_waiting, make_member, organization, seat, author, key, facebook, judge
):
    editor = make_member("editor", organization, Role.EDITOR, may_review=True)
    keeper = make_member("keeper", organization, Role.ADMIN, may_review=True)
    api_keys.rotate(actors.user_actor(keeper), key, overlap=timedelta(0))
    post = make_waiting()
    words = {facebook.public_id: ChannelText("FB_PAGE", "The editor's own words")}
    drafts.edit(actors.user_actor(editor), fresh(post), changes={"channels": words})
    drafts.edit(actors.user_actor(author), fresh(post), changes={"scheduled_for": clock.now() + timedelta(hours=3)})
    audit_log.seal()
    assert audit_log.purge(actors.WORKER, organization.pk, before=clock.now() + timedelta(days=1)) > 0
    for item in (editor, keeper):
        with pytest.raises(Forbidden, match="another person"):
            approve(seat(item, organization), post)
    approve(judge, post)
    assert list(audit_verification.find_tampering(organization.pk)) == []


def test_approve_by_the_issuer_of_the_authoring_key_is_forbidden(make_waiting, author, organization, seat):
    author.memberships.update(may_review=True)
    post = make_waiting()
    with pytest.raises(Forbidden, match="another person"):
        approve(seat(author, organization), post)


def test_approve_by_the_rotator_of_the_authoring_key_is_forbidden(make_waiting, make_member, key, organization, seat):
    post = make_waiting()
    keeper = make_member("keeper", organization, Role.ADMIN, may_review=True)
    chair = seat(keeper, organization)
    api_keys.rotate(actors.user_actor(keeper), key, overlap=timedelta(0))
    with pytest.raises(Forbidden, match="rotated the API key"):
        approve(chair, post)
    assert fresh(post).status == "WAITING_FOR_APPROVAL"


def test_approve_own_post_with_self_approval_allowed_schedules_it(make_waiting, author, organization, seat):
    author.memberships.update(may_review=True)
    organization.allow_self_approval = True
    organization.save(update_fields=["allow_self_approval"])
    post = make_waiting()
    approve(seat(author, organization), post)
    assert fresh(post).status == "SCHEDULED"


def test_approve_by_another_organizations_reviewer_is_forbidden(make_waiting, outsider, other_organization, seat):
    post = make_waiting()
    with pytest.raises(Forbidden):
        approve(seat(outsider, other_organization), post)


def test_reviewer_constructor_raises_type_error(reviewer, organization):
    with pytest.raises(TypeError):
        Reviewer(reviewer, reviewer.memberships.get(), organization, "session", True, object())


@pytest.mark.parametrize("change", ["viewer", "get", "token backend", "no session", "inactive", "organization"])
def test_get_reviewer_without_a_password_session_is_forbidden(rf, signed_in, reviewer, viewer, organization, change):
    person = viewer if change == "viewer" else reviewer
    request = rf.get("/admin/") if change == "get" else rf.post("/admin/")
    request.user = person
    request.session = signed_in(person).session
    if change == "token backend":
        request.session["_auth_user_backend"] = "somewhere.TokenBackend"
    if change == "no session":
        del request.session
    if change == "inactive":
        person.is_active = False
    if change == "organization":
        type(organization).objects.update(active=False)
    with pytest.raises(Forbidden):
        get_reviewer(request, organization)


def test_revert_clears_the_task_and_revokes_the_approval(make_scheduled, key):
    post = make_scheduled()
    review.revert(actors.api_key_actor(key), fresh(post))
    now = fresh(post)
    assert (now.status, now.task_id, now.approval) == ("DRAFT", None, None)
    assert Approval.objects.get(post=post).revoked_at is not None


def test_submit_after_a_concurrent_edit_submits_the_new_content(make_draft, key, facebook, instagram):
    post = make_draft(channels=[facebook])
    old = fresh(post)
    text = {facebook.public_id: ChannelText("FB_PAGE", "Other words")}
    drafts.edit(actors.api_key_actor(key), fresh(post), changes={"channels": text})
    assert review.submit(actors.api_key_actor(key), old).status == "WAITING_FOR_APPROVAL"
    event = AuditEvent.objects.filter(subject=f"post:{post.pk}").latest("id")
    assert (event.verb, event.digest) == ("submit", shown(post))
    with pytest.raises(StateConflict, match="Cannot submit a WAITING_FOR_APPROVAL post"):
        review.submit(actors.api_key_actor(key), old)


def test_submit_after_an_edit_to_other_channels_raises_state_conflict(make_draft, key, facebook, instagram):
    post = make_draft(channels=[facebook])
    old = fresh(post)
    text = {instagram.public_id: ChannelText("INSTAGRAM_ACCOUNT", "Elsewhere")}
    drafts.edit(actors.api_key_actor(key), fresh(post), changes={"channels": text})
    key.channels = [facebook.public_id]
    with pytest.raises(StateConflict):
        review.submit(actors.api_key_actor(key), old)
    assert fresh(post).status == "DRAFT"


def test_revert_a_partly_published_post_raises_state_conflict(make_scheduled, key):
    post = make_scheduled()
    post.apply_transition("fail")
    post.deliveries.filter(channel__type="FB_PAGE").update(state="PUBLISHED")
    with pytest.raises(StateConflict) as caught:
        review.revert(actors.api_key_actor(key), fresh(post))
    assert caught.value.details == {"status": "FAILED", "allowed": []}


@pytest.mark.parametrize("evidence", ["PUBLISHED", "UNKNOWN", "attempt"])
@pytest.mark.parametrize("status", ["FAILED", "SCHEDULED"])
def test_post_that_may_be_published_is_neither_reverted_nor_deleted_a10(
    evidence, status, make_scheduled, key, facebook, instagram
):
    post = make_scheduled()
    row = post.deliveries.get(channel=facebook)
    if evidence == "attempt":
        Attempt.objects.create(delivery=row, approval=post.approval, lease_id=post.pk)
    else:
        post.deliveries.filter(pk=row.pk).update(state=evidence)
    if status == "FAILED":
        post.apply_transition("fail", task_id=None)
    for change in (review.revert, drafts.delete):
        with pytest.raises(StateConflict, match=f"may be published on {facebook.name}$") as caught:
            change(actors.api_key_actor(key), fresh(post))
        assert caught.value.details == {"status": status, "allowed": []}
    assert fresh(post).approval is not None


def test_revert_of_a_post_that_another_deleted_raises_state_conflict_a19(make_scheduled, key):
    actor, stale = actors.api_key_actor(key), ScheduledPost.objects.get(pk=make_scheduled().pk)
    drafts.delete(actor, fresh(stale))
    for change in (review.revert, drafts.delete):
        with pytest.raises(StateConflict) as caught:
            change(actor, stale)
        assert caught.value.details == {"status": None, "allowed": []}


def test_retry_covers_only_unpublished_channels(make_scheduled, judge, instagram):
    post = make_scheduled()
    post.apply_transition("fail", task_id=None)
    post.deliveries.filter(channel__type="FB_PAGE").update(state="PUBLISHED", platform_post_id="1_2")
    approval = approve(judge, post)
    assert list(approval.content["channels"]) == [instagram.public_id]
    assert fresh(post).status == "SCHEDULED"


def test_retry_with_the_page_of_an_earlier_failure_raises_stale_approval(make_scheduled, judge):
    post = make_scheduled()
    post.apply_transition("fail", task_id=None)
    page = {"revision": fresh(post).revision, "digest": shown(post)}
    review.approve(judge, fresh(post), **page)
    fresh(post).apply_transition("fail", task_id=None)
    with pytest.raises(review.StaleApproval):
        review.approve(judge, fresh(post), **page)


def test_reject_stores_notes_and_redraft_returns_to_draft(make_waiting, key):
    post = make_waiting()
    review.reject(actors.api_key_actor(key), fresh(post), notes="Typos")
    assert (fresh(post).status, fresh(post).notes) == ("REJECTED", "Typos")
    review.redraft(actors.api_key_actor(key), fresh(post))
    assert fresh(post).status == "DRAFT"


def test_what_was_approved_can_be_recomputed_from_what_was_kept(make_scheduled):
    """The content of the approval and of the audit log still have the approved digest years later."""
    post = make_scheduled()
    approval = Approval.objects.get(post=post)
    line = AuditEvent.objects.get(subject=f"post:{post.pk}", verb="approve")
    digests = {canonical_sha256(kept) for kept in (approval.content, line.details["content"])}
    assert digests == {approval.digest} == {line.digest}
    tampered = {**approval.content, "media": "https://media.example.com/another.jpg"}
    assert canonical_sha256(tampered) != approval.digest
