"""The gate and the verification compare approvals with the audit log: rows written by hand publish nothing."""

import io
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.management import call_command

from accounts import clock
from accounts.domain import actors, audit_log, audit_verification
from accounts.models import AuditChainLink, AuditEvent
from scheduling.domain import approval_events, content, drafts, review
from scheduling.domain.audit import record_post_event
from scheduling.domain.content import caption_hash
from scheduling.models import Approval, Attempt, Delivery, ScheduledPost
from tests.accounts.domain.test_audit_log import without_triggers
from tests.helpers import approve, at_once, fresh
from tests.scheduling.domain.conftest import send

pytestmark = pytest.mark.django_db


def set_scheduled(post, approval):
    """Write the status and the approval into the row, as no code of Dynamo does."""
    columns = {"status": "SCHEDULED", "approval": approval, "task_id": uuid4()}
    ScheduledPost.objects.filter(pk=post.pk).update(**columns)


def insert_approval(post, reviewer, **columns):
    covered, digest = content.current_content(fresh(post))
    membership = reviewer.memberships.get()
    given = {"session": "s", "version": post.version, "digest": digest, "content": covered} | columns
    return Approval.objects.create(post=post, reviewer=reviewer, membership=membership, **given)


def record_approval(post, approval):
    return record_post_event(
        actors.user_actor(approval.reviewer), "approve", fresh(post), "WAITING_FOR_APPROVAL", approval=approval.pk,
        mfa=False,
    )  # fmt: skip


class Forger:
    """Ways to schedule a post with SQL alone: each takes a waiting post."""

    def __init__(self, judge, other, settings):
        self.judge, self.reviewer, self.other, self.settings = judge, judge.user, other, settings
        self.organization = judge.organization

    def row(self, post):
        set_scheduled(post, insert_approval(post, self.reviewer))

    def unsigned_event(self, post):
        approval = insert_approval(post, self.reviewer)
        set_scheduled(post, approval)
        self._copy(record_approval(post, approval), signature=None)

    def guessed_key(self, post):
        approval = insert_approval(post, self.reviewer)
        set_scheduled(post, approval)
        real, self.settings.AUDIT_KEYS = self.settings.AUDIT_KEYS, ["a guess"]
        audit_log.seal_event(record_approval(post, approval))
        self.settings.AUDIT_KEYS = real

    def event_of_the_submission(self, post):
        approval = insert_approval(post, self.reviewer)
        set_scheduled(post, approval)
        submitted = AuditEvent.objects.get(subject=f"post:{post.pk}", verb="submit")
        details = {**submitted.details, "approval": approval.pk, "mfa": False}
        self._copy(submitted, verb="approve", details=details, signature=f"{submitted.signature[:-1]}x")

    def changed_text(self, post):
        approval = approve(self.judge, post)
        Delivery.objects.filter(post=post).update(caption="Buy my coins", caption_hash=caption_hash("Buy my coins"))
        covered, digest = content.current_content(fresh(post))
        Approval.objects.filter(pk=approval.pk).update(content=covered, digest=digest)

    def reverted(self, post):
        approval = approve(self.judge, post)
        review.revert(actors.user_actor(self.reviewer), fresh(post))
        Approval.objects.filter(pk=approval.pk).update(revoked_at=None)
        set_scheduled(post, approval)

    def published(self, post):
        approval = approve(self.judge, post, now=True)
        assert send(fresh(post)) == "published"
        Attempt.objects.all().delete()
        Delivery.objects.filter(post=post).update(**review.BLANK_OUTCOME)
        set_scheduled(post, approval)

    def other_reviewer(self, post):
        approval = approve(self.judge, post)
        other = {"reviewer": self.other, "membership": self.other.memberships.get()}
        Approval.objects.filter(pk=approval.pk).update(**other)

    def first_of_two(self, post):
        type(self.organization).objects.update(second_approver=True)
        approval = approve(self.judge, post)
        type(self.organization).objects.update(second_approver=False)
        set_scheduled(post, approval)

    def second_of_two(self, post):
        type(self.organization).objects.update(second_approver=True)
        first = approve(self.judge, post)
        set_scheduled(post, insert_approval(post, self.other, first_approval=first))

    def _copy(self, event, **columns):
        """Replace the event, or insert a changed copy: the owner of the database can do both."""
        with without_triggers():
            AuditEvent.objects.filter(pk=event.pk).exclude(verb="submit").delete()
        event.pk = None
        for name, value in columns.items():
            setattr(event, name, value)
        event.save(force_insert=True)


FORGERIES = [name for name in vars(Forger) if not name.startswith("_")]


@pytest.fixture
def forger(judge, other, settings):
    return Forger(judge, other, settings)


def test_forged_approvals_publish_nothing_a14(forger, make_waiting, travel, sandbox, facebook):
    """100 forged approvals: ten in each of ten ways."""
    posts, genuine, outcomes = [], 0, set()
    for way in FORGERIES * 10:
        posts.append(make_waiting(channels=[facebook]))
        getattr(forger, way)(posts[-1])
        if way == "published":  # due now, and no longer when the others are
            genuine += 1
            outcomes.add(send(fresh(posts[-1])))
        type(forger.organization).objects.update(second_approver=False)
    assert len(posts) == 100
    assert len(sandbox.posts) == genuine
    travel(posts[-1], 1)
    outcomes |= {send(post) for post in map(fresh, posts) if post.status == "SCHEDULED"}
    assert outcomes == {"refused"}
    assert len(sandbox.posts) == genuine
    assert set(Delivery.objects.values_list("error_code", flat=True)) == {"NOT_IN_AUDIT_LOG"}


@pytest.mark.parametrize("way", ["row", "unsigned_event", "guessed_key", "changed_text", "other_reviewer"])
def test_verification_names_a_forged_approval_a14(forger, make_waiting, facebook, way):
    post = make_waiting(channels=[facebook])
    assert list(approval_events.find_inconsistencies()) == []
    getattr(forger, way)(post)
    name = f"approval {Approval.objects.get().pk} of post {post.pk}"
    [problem] = approval_events.find_inconsistencies(forger.organization.pk)
    assert problem.startswith(f"{name} has no event" if way == "row" else f"{name} does not match event ")
    with pytest.raises(SystemExit):
        call_command("verify_audit_log", stdout=io.StringIO())


def test_verification_names_an_event_without_its_approval_a14(make_scheduled, key, facebook):
    post, deleted = make_scheduled(channels=[facebook]), make_scheduled(channels=[facebook])
    approval = Approval.objects.get(post=post)
    ScheduledPost.objects.filter(pk=post.pk).update(status="DRAFT", approval=None)
    pk = approval.pk
    approval.delete()
    drafts.delete(actors.api_key_actor(key), deleted)
    [problem] = approval_events.find_inconsistencies()
    assert problem.startswith(f"approval {pk} of post:{post.pk}, which event ")


@pytest.mark.embedded
def test_approval_event_is_sealed_in_the_transaction_of_the_approval_a14(make_scheduled, organization):
    post = make_scheduled()
    event = AuditEvent.objects.get(subject=f"post:{post.pk}", verb="approve")
    assert list(AuditChainLink.objects.values_list("event_id", flat=True)) == [event.pk]
    with without_triggers():
        AuditEvent.objects.filter(pk=event.pk).delete()
    [problem] = audit_verification.find_tampering(organization.pk)
    assert problem == f"event {event.pk} (seal 1 of organization {organization.pk}) was removed"


@pytest.mark.embedded
@pytest.mark.django_db(transaction=True)
def test_concurrent_approvals_of_one_organization_keep_one_chain_a14(make_waiting, judge, facebook, organization):
    posts = [make_waiting(channels=[facebook]) for _ in range(12)]
    halves = posts[::3], posts[1::3], posts[2::3]
    approvals = at_once(
        *[lambda half=half: [approve(judge, post) for post in half] for half in halves],
        lambda: [audit_log.seal() for _ in range(4)],
    )
    assert [len(item) for item in approvals] == [4] * 4
    audit_log.seal()
    assert list(audit_verification.find_tampering(organization.pk)) == []
    assert AuditChainLink.objects.count() == AuditEvent.objects.count()


@pytest.mark.embedded
def test_purge_keeps_the_events_of_approvals_that_are_not_spent_a14(make_scheduled, travel, sandbox, facebook):
    waiting, reverted = make_scheduled(channels=[facebook]), make_scheduled(channels=[facebook])
    published = make_scheduled(channels=[facebook], scheduled_for=clock.now() + timedelta(minutes=30))
    review.revert(actors.WORKER, reverted)
    travel(published)
    assert send(published) == "published"
    audit_log.seal()
    ids = approval_events.needed_events(waiting.organization_id)
    assert ids == [AuditEvent.objects.get(subject=f"post:{waiting.pk}", verb="approve").pk]
    audit_log.purge(actors.WORKER, waiting.organization_id, before=published.scheduled_for, keep=ids)
    assert set(AuditEvent.objects.filter(verb="approve").values_list("pk", flat=True)) == set(ids)
    assert list(approval_events.find_inconsistencies()) == []
    travel(waiting)
    assert send(waiting) == "published"
