"""Each post is published exactly once, by the sandbox's own record."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from accounts import clock
from accounts.domain import actors
from accounts.models import AuditEvent
from posts.domain import channels
from posts.models import PublishedPost
from scheduling.domain import sweep
from scheduling.domain.drafts import ChannelText
from scheduling.domain.publishing import run, stage
from scheduling.models import Approval, Attempt, Delivery, ScheduledPost
from tests.helpers import fresh
from tests.scheduling.domain.conftest import go_on, send
from tests.services.processes import eventually

pytestmark = [pytest.mark.embedded, pytest.mark.django_db]


def test_due_post_is_published_on_each_channel_once(make_enqueued, travel, sandbox):
    post = make_enqueued()
    travel(post)
    assert send(post) == "published"
    assert fresh(post).status == "PUBLISHED"
    assert len(sandbox.posts) == 2
    assert PublishedPost.objects.filter(scheduled_post_id=post.pk).count() == 2
    assert set(Attempt.objects.values_list("outcome", flat=True)) == {"published"}


def test_published_and_failed_posts_are_logged_with_their_ids_o11(make_enqueued, travel, sandbox, caplog):
    caplog.set_level("INFO")
    post = make_enqueued()
    travel(post)
    send(post)
    [line] = [text for text in caplog.messages if " published: " in text]
    for delivery in post.deliveries.select_related("channel"):
        assert f"{delivery.channel.public_id} {delivery.platform_post_id}" in line
        assert delivery.caption not in line
    assert str(post.pk) in line


def test_repeated_message_publishes_once(make_enqueued, travel, sandbox):
    post = make_enqueued()
    travel(post)
    assert [send(post) for _ in range(10)] == ["published"] + ["void"] * 9
    assert len(sandbox.posts) == 2


def test_early_message_publishes_nothing(make_enqueued, sandbox):
    post = make_enqueued()
    assert send(post) == "early"
    assert (sandbox.posts, fresh(post).status) == ([], "SCHEDULED")


def test_message_past_the_late_limit_fails_the_post(make_enqueued, travel, sandbox, settings):
    post = make_enqueued()
    travel(post, settings.MAX_LATENESS_SECONDS + 1)
    assert send(post) == "missed"
    assert (sandbox.posts, fresh(post).status) == ([], "FAILED")
    assert set(Delivery.objects.filter(post=post).values_list("error_code", flat=True)) == {"MISSED"}


def test_sweep_past_the_late_limit_fails_the_post(make_enqueued, travel, sandbox, settings):
    post = make_enqueued()
    travel(post, settings.MAX_LATENESS_SECONDS + 1)
    assert sweep.miss_late() == 1
    assert (fresh(post).status, sandbox.posts) == ("FAILED", [])


@pytest.mark.parametrize("staged", [False, True])
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
def test_gate_with_unapproved_content_is_closed(make_enqueued, travel, sandbox, tamper, code, staged):
    post = make_enqueued()
    if staged:
        travel(post, -60)
        assert stage.prestage(str(post.pk)) == 2
    tamper(fresh(post))
    travel(post)
    assert send(post) == "refused"
    assert (sandbox.posts, fresh(post).status, bool(fresh(post).failure_reason)) == ([], "FAILED", True)
    assert set(Delivery.objects.filter(post=post).values_list("error_code", flat=True)) == {code}


@pytest.mark.parametrize("network", ["facebook", "instagram"])
def test_disconnected_channel_gets_nothing_and_fails_alone(make_enqueued, travel, sandbox, author, network, request):
    post, channel = make_enqueued(), request.getfixturevalue(network)
    channels.disconnect(actors.user_actor(author), channel)
    travel(post)
    assert send(post) == "failed"
    assert [item["account_type"] for item in sandbox.posts] == list({"FB_PAGE", "INSTAGRAM_ACCOUNT"} - {channel.type})
    assert Delivery.objects.get(post=post, error_code="CHANNEL_DISCONNECTED").channel == channel


def test_an_approval_with_attempts_cannot_be_claimed_again(make_enqueued, travel, sandbox):
    post = make_enqueued()
    travel(post)
    send(post)
    again = uuid4()
    ScheduledPost.objects.filter(pk=post.pk).update(status="SCHEDULED", task_id=again)
    assert run.publish(str(post.pk), str(again)) == "void"
    assert len(sandbox.posts) == 2


def test_answer_lost_after_publication_is_found_and_not_repeated(make_enqueued, travel, sandbox, facebook):
    post = make_enqueued(channels=[facebook])
    sandbox.fault("POST .*/feed", "drop_after")
    clock_ = travel(post)
    assert send(post) == "pending"
    go_on(post, clock_, seconds=5)
    assert fresh(post).status == "PUBLISHED"
    assert len(sandbox.posts) == 1
    assert Delivery.objects.get(post=post).platform_post_id == sandbox.posts[0]["id"]


@pytest.mark.parametrize(
    ("caption", "state"),
    [("Com @[123456789012345]", "UNKNOWN"), ("Olá\n\n\n\n\nPorto", "PUBLISHED")],
)
def test_lost_answer_of_a_rewritten_link_post_is_not_repeated_a8(
    make_enqueued, travel, sandbox, facebook, settings, caption, state
):
    text = {facebook.public_id: ChannelText("FB_PAGE", caption)}
    post = make_enqueued(channels=text, media="https://example.com/menu", media_type=None)
    sandbox.fault("POST .*/feed", "drop_after")
    clock_ = travel(post)
    assert send(post) == "pending"
    go_on(post, clock_, seconds=settings.RECONCILE_LIMIT / 6)
    assert (len(sandbox.posts), Delivery.objects.get(post=post).state) == (1, state)
    assert sandbox.posts[0]["message"] != caption


def test_answer_lost_before_publication_is_retried_after_two_absences(make_enqueued, travel, sandbox, facebook):
    post = make_enqueued(channels=[facebook])
    sandbox.fault("POST .*/feed", "drop_before")
    clock_ = travel(post)
    assert send(post) == "pending"
    go_on(post, clock_)
    assert fresh(post).status == "PUBLISHED"
    assert len(sandbox.posts) == 1
    assert list(Attempt.objects.order_by("id").values_list("outcome", flat=True)) == ["refused", "published"]


@pytest.mark.parametrize("comes", [True, False])
def test_timed_out_call_is_read_back_until_it_cannot_appear(make_enqueued, travel, sandbox, facebook, settings, comes):
    """It is published after two read-backs that would count as absences after an answer."""
    settings.GRAPH_READ_TIMEOUT = 0.5
    post = make_enqueued(channels=[facebook])
    sandbox.fault("POST .*/feed", "delay", seconds=10.0 if comes else 600.0)
    clock_ = travel(post)
    assert send(post) == "pending"
    settings.GRAPH_READ_TIMEOUT = 20
    go_on(post, clock_, seconds=35, rounds=3)
    delivery = Delivery.objects.get(post=post)
    assert (fresh(post).status, len(sandbox.posts), delivery.absence_count) == ("PUBLISHING", 0, 3)
    if comes:
        eventually(lambda: sandbox.posts, what="the platform has got there")
    go_on(post, clock_, seconds=35, rounds=2)
    assert (fresh(post).status, len(sandbox.posts)) == ("PUBLISHED", 1)
    ended = ["published"] if comes else ["refused", "published"]
    assert list(Attempt.objects.order_by("id").values_list("outcome", flat=True)) == ended


def test_instagram_answer_lost_after_publication_is_found_by_container(make_enqueued, travel, sandbox, instagram):
    post = make_enqueued(channels=[instagram])
    sandbox.fault("POST .*/media_publish", "drop_after")
    clock_ = travel(post)
    assert send(post) == "pending"
    go_on(post, clock_, seconds=5)
    assert (fresh(post).status, len(sandbox.posts)) == ("PUBLISHED", 1)


def test_resume_after_a_crash_reads_back_before_retrying(make_enqueued, travel, sandbox, facebook, monkeypatch):
    post = make_enqueued(channels=[facebook])
    clock_ = travel(post)

    class Killed(BaseException):
        """Simulates a kill: no code runs after it."""

    def die(*_args, **_kwargs):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(run.outcomes, "mark_published", die)
        with pytest.raises(Killed):
            send(post)
    assert (fresh(post).status, len(sandbox.posts)) == ("PUBLISHING", 1)
    assert run.resume(str(post.pk)) == "void"  # the lease still runs
    clock_.shift(timedelta(seconds=60))
    assert run.resume(str(post.pk)) == "published"
    assert len(sandbox.posts) == 1


def test_an_expired_token_fails_with_a_reason_and_marks_the_channel(make_enqueued, travel, sandbox, facebook):
    post = make_enqueued(channels=[facebook])
    sandbox.fault("POST", "expired_token", times=5)
    travel(post)
    assert send(post) == "failed"
    facebook.refresh_from_db()
    assert (facebook.state, Delivery.objects.get(post=post).error_code) == ("NEEDS_RECONNECT", "190/463")


def test_throttled_post_is_published_later(make_enqueued, travel, sandbox, facebook):
    post = make_enqueued(channels=[facebook])
    sandbox.fault("POST .*/feed", "throttle", code=80001, times=1)
    clock_ = travel(post)
    assert send(post) == "pending"
    go_on(post, clock_, seconds=90)
    assert (fresh(post).status, len(sandbox.posts)) == ("PUBLISHED", 1)


def test_each_transition_of_a_publish_is_in_the_audit_log(make_enqueued, travel, sandbox):
    post = make_enqueued()
    travel(post)
    send(post)
    events = AuditEvent.objects.filter(subject=f"post:{post.pk}").order_by("id")
    assert [event.verb for event in events if event.state_from != event.state_to] == [
        "create", "submit", "approve", "claim", "succeed",
    ]  # fmt: skip
    assert events.last().digest == fresh(post).approval.digest


def test_slow_channel_does_not_delay_another(make_enqueued, travel, sandbox):
    post = make_enqueued()
    stage.prestage(str(post.pk))
    sandbox.fault("POST .*/feed", "delay", seconds=6.0)
    travel(post)
    assert send(post) == "published"
    facebook, instagram = (
        datetime.fromisoformat(post["published_at"])
        for post in sorted(sandbox.posts, key=lambda post: post["account_type"])
    )
    assert facebook > instagram, "one after the other, Facebook would have been first"


@pytest.mark.parametrize("type_", ["POST", "REEL"])
def test_video_is_published_when_the_platform_has_processed_it(make_enqueued, travel, sandbox, facebook, type_):
    sandbox.settings(video_seconds=1)
    post = make_enqueued(channels=[facebook], type=type_, media=sandbox.media("clip.mp4"), media_type="VIDEO")
    clock_ = travel(post)
    assert send(post) == "pending"
    assert PublishedPost.objects.count() == 0
    go_on(post, clock_, seconds=5)
    assert (fresh(post).status, len(sandbox.posts)) == ("PUBLISHED", 1)
    assert Delivery.objects.get(post=post).platform_post_id == PublishedPost.objects.get().platform_id != ""
