"""Each post is published exactly once, by the sandbox's own record."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
import time_machine

from accounts import clock
from accounts.domain import actors
from accounts.models import AuditEvent
from posts.models import PublishedPost
from scheduling.domain import content, review, sweep
from scheduling.domain.publishing import run, stage
from scheduling.models import Approval, Attempt, Delivery, ScheduledPost
from tests.services.processes import eventually

pytestmark = [pytest.mark.embedded, pytest.mark.django_db]


@pytest.fixture
def due(make_scheduled):
    """Make a scheduled post and move the clock to its time."""

    def make(**changes):
        post = make_scheduled(**changes)
        ScheduledPost.objects.filter(pk=post.pk).update(enqueued_at=clock.now())
        return post

    return make


@pytest.fixture
def at_instant():
    """Stop the clock just after a post's time; move it with `.shift`."""
    travellers = []

    def go(post, late=0.05):
        traveller = time_machine.travel(post.scheduled_for + timedelta(seconds=late), tick=True)
        travellers.append(traveller)
        return traveller.start()

    yield go
    for item in reversed(travellers):
        item.stop()


def fresh(post):
    return ScheduledPost.objects.get(pk=post.pk)


def states(post):
    return sorted(Delivery.objects.filter(post=post).values_list("channel__type", "state"))


def go(post):
    return run.publish(str(post.pk), str(post.task_id))


def finish(post, clock_, seconds=45, rounds=12):
    """Let time pass and resume the post, as the sweep does, until it is settled."""
    for _ in range(rounds):
        if fresh(post).status != "PUBLISHING":
            return
        clock_.shift(timedelta(seconds=seconds))
        run.resume(str(post.pk))


def test_due_post_is_published_on_each_channel_once(due, at_instant, sandbox):
    post = due()
    at_instant(post)
    assert go(post) == "published"
    assert fresh(post).status == "PUBLISHED"
    assert len(sandbox.posts) == 2
    assert PublishedPost.objects.filter(scheduled_post_id=post.pk).count() == 2
    assert set(Attempt.objects.values_list("outcome", flat=True)) == {"published"}


def test_repeated_message_publishes_once(due, at_instant, sandbox):
    post = due()
    at_instant(post)
    assert [go(post) for _ in range(10)] == ["published"] + ["void"] * 9
    assert len(sandbox.posts) == 2


def test_message_after_a_revert_publishes_nothing(due, at_instant, sandbox, key):
    post = due()
    review.revert(actors.api_key_actor(key), fresh(post))
    at_instant(post)
    assert go(post) == "void"
    assert (sandbox.posts, fresh(post).status) == ([], "DRAFT")


def test_early_message_publishes_nothing(due, sandbox):
    post = due()
    assert go(post) == "early"
    assert (sandbox.posts, fresh(post).status) == ([], "SCHEDULED")


def test_message_past_the_late_limit_fails_the_post(due, at_instant, sandbox, settings):
    post = due()
    at_instant(post, late=settings.MAX_LATENESS_SECONDS + 1)
    assert go(post) == "missed"
    assert (sandbox.posts, fresh(post).status) == ([], "FAILED")
    assert set(Delivery.objects.filter(post=post).values_list("error_code", flat=True)) == {"MISSED"}


def test_sweep_past_the_late_limit_fails_the_post(due, at_instant, sandbox, settings):
    post = due()
    at_instant(post, late=settings.MAX_LATENESS_SECONDS + 1)
    assert sweep.miss_late() == 1
    assert (fresh(post).status, sandbox.posts) == ("FAILED", [])


@pytest.mark.parametrize(
    ("tamper", "code"),
    [
        (lambda p: Delivery.objects.filter(post=p).update(caption="Swapped"), "CHANGED"),
        (lambda p: ScheduledPost.objects.filter(pk=p.pk).update(media="https://example.com/b.jpg"), "CHANGED"),
        (lambda p: ScheduledPost.objects.filter(pk=p.pk).update(type="STORY"), "CHANGED"),
        (lambda p: Approval.objects.filter(post=p).update(revoked_at=clock.now()), "NOT_APPROVED"),
        (lambda p: type(p.organization).objects.update(active=False), "ORGANIZATION_INACTIVE"),
        (lambda p: p.approval.reviewer.memberships.update(may_review=False), "REVIEWER_GONE"),
        (lambda p: p.approval.reviewer.memberships.all().delete(), "REVIEWER_GONE"),
        (lambda p: type(p.approval.reviewer).objects.update(is_active=False), "REVIEWER_GONE"),
    ],
)
def test_gate_with_unapproved_content_is_closed(due, at_instant, sandbox, tamper, code):
    post = due()
    tamper(fresh(post))
    at_instant(post)
    assert go(post) == "refused"
    assert (sandbox.posts, fresh(post).status) == ([], "FAILED")
    assert set(Delivery.objects.filter(post=post).values_list("error_code", flat=True)) == {code}


def test_bytes_swapped_after_approval_are_not_published(due, at_instant, sandbox, facebook):
    post = due(channels=[facebook], media=sandbox.media("soup.jpg"))
    # The approval stands for other bytes than those that the URL serves by now.
    ScheduledPost.objects.filter(pk=post.pk).update(media_sha256="0" * 64)
    approved, its_digest = content.current_content(fresh(post))
    Approval.objects.filter(post=post).update(digest=its_digest, content=approved)
    at_instant(post)
    assert go(post) == "failed"
    assert sandbox.posts == []


def test_a_channel_disconnected_in_between_fails_alone(due, at_instant, sandbox, instagram):
    post = due()
    type(instagram).objects.filter(pk=instagram.pk).update(state="DISCONNECTED")
    at_instant(post)
    assert go(post) == "failed"
    assert states(post) == [("FB_PAGE", "PUBLISHED"), ("INSTAGRAM_ACCOUNT", "FAILED")]
    assert len(sandbox.posts) == 1


def test_an_approval_with_attempts_cannot_be_claimed_again(due, at_instant, sandbox):
    post = due()
    at_instant(post)
    go(post)
    again = uuid4()
    ScheduledPost.objects.filter(pk=post.pk).update(status="SCHEDULED", task_id=again)
    assert run.publish(str(post.pk), str(again)) == "void"
    assert len(sandbox.posts) == 2


def test_answer_lost_after_publication_is_found_and_not_repeated(due, at_instant, sandbox, facebook):
    post = due(channels=[facebook])
    sandbox.fault("POST .*/feed", "drop_after")
    clock_ = at_instant(post)
    assert go(post) == "pending"
    finish(post, clock_, seconds=5)
    assert fresh(post).status == "PUBLISHED"
    assert len(sandbox.posts) == 1
    assert Delivery.objects.get(post=post).platform_post_id == sandbox.posts[0]["id"]


def test_answer_lost_before_publication_is_retried_after_two_absences(due, at_instant, sandbox, facebook):
    post = due(channels=[facebook])
    sandbox.fault("POST .*/feed", "drop_before")
    clock_ = at_instant(post)
    assert go(post) == "pending"
    finish(post, clock_)
    assert fresh(post).status == "PUBLISHED"
    assert len(sandbox.posts) == 1
    assert list(Attempt.objects.order_by("id").values_list("outcome", flat=True)) == ["refused", "published"]


@pytest.mark.parametrize("comes", [True, False])
def test_timed_out_call_is_read_back_until_it_cannot_appear(due, at_instant, sandbox, facebook, settings, comes):
    """It is published after two read-backs that would count as absences after an answer."""
    settings.GRAPH_READ_TIMEOUT = 0.5
    post = due(channels=[facebook])
    sandbox.fault("POST .*/feed", "delay", seconds=4.0 if comes else 600.0)
    clock_ = at_instant(post)
    assert go(post) == "pending"
    finish(post, clock_, seconds=35, rounds=3)
    delivery = Delivery.objects.get(post=post)
    assert (fresh(post).status, len(sandbox.posts), delivery.absence_count) == ("PUBLISHING", 0, 3)
    if comes:
        eventually(lambda: sandbox.posts, what="the platform has got there")
    finish(post, clock_, seconds=35, rounds=2)
    assert (fresh(post).status, len(sandbox.posts)) == ("PUBLISHED", 1)
    ended = ["published"] if comes else ["refused", "published"]
    assert list(Attempt.objects.order_by("id").values_list("outcome", flat=True)) == ended


def test_instagram_answer_lost_after_publication_is_found_by_container(due, at_instant, sandbox, instagram):
    post = due(channels=[instagram])
    sandbox.fault("POST .*/media_publish", "drop_after")
    clock_ = at_instant(post)
    assert go(post) == "pending"
    finish(post, clock_, seconds=5)
    assert (fresh(post).status, len(sandbox.posts)) == ("PUBLISHED", 1)


def test_resume_after_a_crash_reads_back_before_retrying(due, at_instant, sandbox, facebook, monkeypatch):
    post = due(channels=[facebook])
    clock_ = at_instant(post)

    class Killed(BaseException):
        """Simulates a kill: no code runs after it."""

    def die(*_args, **_kwargs):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(run.outcomes, "mark_published", die)
        with pytest.raises(Killed):
            go(post)
    assert (fresh(post).status, len(sandbox.posts)) == ("PUBLISHING", 1)
    assert run.resume(str(post.pk)) == "void"  # the lease still runs
    clock_.shift(timedelta(seconds=60))
    assert run.resume(str(post.pk)) == "published"
    assert len(sandbox.posts) == 1


def test_an_expired_token_fails_with_a_reason_and_marks_the_channel(due, at_instant, sandbox, facebook):
    post = due(channels=[facebook])
    sandbox.fault("POST", "expired_token", times=5)
    at_instant(post)
    assert go(post) == "failed"
    facebook.refresh_from_db()
    assert (facebook.state, Delivery.objects.get(post=post).error_code) == ("NEEDS_RECONNECT", "190/463")


def test_throttled_post_is_published_later(due, at_instant, sandbox, facebook):
    post = due(channels=[facebook])
    sandbox.fault("POST .*/feed", "throttle", code=80001, times=1)
    clock_ = at_instant(post)
    assert go(post) == "pending"
    finish(post, clock_, seconds=90)
    assert (fresh(post).status, len(sandbox.posts)) == ("PUBLISHED", 1)


def test_a_policy_block_stops_the_channel_until_a_person_resumes_it(due, at_instant, sandbox, facebook):
    post = due(channels=[facebook])
    sandbox.fault("POST .*/feed", "policy_block")
    at_instant(post)
    assert go(post) == "failed"
    facebook.refresh_from_db()
    assert facebook.state == "BLOCKED"


def test_each_transition_of_a_publish_is_in_the_audit_log(due, at_instant, sandbox):
    post = due()
    at_instant(post)
    go(post)
    events = AuditEvent.objects.filter(subject=f"post:{post.pk}").order_by("id")
    assert [event.verb for event in events if event.state_from != event.state_to] == [
        "create", "submit", "approve", "claim", "succeed",
    ]  # fmt: skip
    assert events.last().digest == fresh(post).approval.digest


def test_slow_channel_does_not_delay_another(due, at_instant, sandbox):
    post = due()
    stage.prestage(str(post.pk))
    sandbox.fault("POST .*/feed", "delay", seconds=2.0)
    at_instant(post)
    assert go(post) == "published"
    facebook, instagram = (
        datetime.fromisoformat(post["published_at"])
        for post in sorted(sandbox.posts, key=lambda one: one["account_type"])
    )
    assert facebook > instagram, "one after the other, Facebook would have been first"


@pytest.mark.parametrize("type_", ["POST", "REEL"])
def test_video_is_published_when_the_platform_has_processed_it(due, at_instant, sandbox, facebook, type_):
    sandbox.settings(video_seconds=1)
    post = due(channels=[facebook], type=type_, media=sandbox.media("clip.mp4"), media_type="VIDEO")
    clock_ = at_instant(post)
    assert go(post) == "pending"
    assert PublishedPost.objects.count() == 0
    finish(post, clock_, seconds=5)
    assert (fresh(post).status, len(sandbox.posts)) == ("PUBLISHED", 1)
    assert Delivery.objects.get(post=post).platform_post_id == PublishedPost.objects.get().platform_id != ""
