"""Failures while publishing: limited to their channel, ended with a reason, never published twice."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from posts.graph.errors import Ambiguous, Transient
from posts.models import Channel
from scheduling.domain import content as post_content
from scheduling.domain import permalinks, sweep
from scheduling.domain.publishing import commit, lease, outcomes, payload, run, stage
from scheduling.lifecycle import Status
from scheduling.models import Attempt, Delivery
from tests.helpers import fresh
from tests.scheduling.domain.conftest import go_on, send

pytestmark = pytest.mark.django_db


def states(post):
    return dict(Delivery.objects.filter(post=post).values_list("channel__type", "state"))


def writes(sandbox):
    """Return the publishing calls, whatever the platform answered."""
    return [request for request in sandbox.call("GET", "/__requests")["requests"] if request["path"].endswith("/feed")]


def seal_away(channel):
    """Store a token that cannot be decrypted, as after a rotation that lost the old encryption key."""
    Channel.objects.filter(pk=channel.pk).update(token_encrypted="gAAAAA-not-ours")


def test_undecryptable_token_delays_only_its_channel(make_enqueued, travel, sandbox, facebook):
    post = make_enqueued()
    seal_away(facebook)
    travel(post)
    assert send(post) == "pending"
    assert states(post) == {"FB_PAGE": "PENDING", "INSTAGRAM_ACCOUNT": "PUBLISHED"}
    assert "encryption key" in Delivery.objects.get(post=post, channel=facebook).error_message


def test_undecryptable_token_past_the_late_limit_is_missed(make_enqueued, travel, sandbox, facebook, settings):
    post = make_enqueued(channels=[facebook])
    seal_away(facebook)
    clock_ = travel(post)
    send(post)
    clock_.shift(timedelta(seconds=settings.MAX_LATENESS_SECONDS + 5))
    assert run.resume(str(post.pk)) == "failed"
    delivery = Delivery.objects.get(post=post)
    assert (fresh(post).status, delivery.error_code, sandbox.posts) == ("FAILED", "MISSED", [])
    assert "encryption key" in delivery.error_message


def test_unclear_outcome_with_an_undecryptable_token_is_unknown(make_enqueued, travel, sandbox, facebook, settings):
    post = make_enqueued(channels=[facebook])
    sandbox.fault("POST .*/feed", "drop_after")
    clock_ = travel(post)
    assert send(post) == "pending"
    seal_away(facebook)
    clock_.shift(timedelta(seconds=settings.RECONCILE_LIMIT + 5))
    assert run.resume(str(post.pk)) == "failed"
    assert (states(post), len(sandbox.posts)) == ({"FB_PAGE": "UNKNOWN"}, 1)


def test_internal_error_on_one_channel_fails_only_that_channel(
    make_enqueued, travel, sandbox, facebook, settings, monkeypatch
):
    post = make_enqueued()
    real = payload.build_payload

    def broken(content, delivery):
        if delivery.channel_id == facebook.pk:
            raise KeyError("a bug")
        return real(content, delivery)

    monkeypatch.setattr(payload, "build_payload", broken)
    clock_ = travel(post)
    assert send(post) == "pending"
    assert states(post) == {"FB_PAGE": "PENDING", "INSTAGRAM_ACCOUNT": "PUBLISHED"}
    clock_.shift(timedelta(seconds=settings.MAX_LATENESS_SECONDS + 5))
    assert run.resume(str(post.pk)) == "failed"
    assert (fresh(post).status, states(post)["FB_PAGE"]) == ("FAILED", "FAILED")


def test_internal_error_while_storing_the_outcome_ends_as_unknown(
    make_enqueued, travel, sandbox, facebook, settings, monkeypatch
):
    post = make_enqueued(channels=[facebook])

    def broken(**_columns):
        raise ValueError("a bug")

    monkeypatch.setattr(outcomes, "record_published", broken)
    clock_ = travel(post)
    assert send(post) == "pending"
    clock_.shift(timedelta(seconds=60))
    assert run.resume(str(post.pk)) == "pending"
    clock_.shift(timedelta(seconds=settings.RECONCILE_LIMIT))
    assert run.resume(str(post.pk)) == "failed"
    assert (states(post), len(sandbox.posts)) == ({"FB_PAGE": "UNKNOWN"}, 1)


def test_long_retry_after_fails_at_the_late_limit(make_enqueued, travel, sandbox, facebook, settings):
    post = make_enqueued(channels=[facebook])
    sandbox.fault("POST .*/feed", "throttle", code=80001, times=9, minutes=1440)
    clock_ = travel(post)
    assert send(post) == "pending"
    assert fresh(post).lease_expires_at <= post.scheduled_for + timedelta(seconds=settings.MAX_LATENESS_SECONDS + 1)
    clock_.shift(timedelta(seconds=settings.MAX_LATENESS_SECONDS + 1))
    assert run.resume(str(post.pk)) == "failed"
    assert Delivery.objects.get(post=post).error_code == "MISSED"


@pytest.mark.parametrize(
    ("network", "route", "fault", "words"),
    [
        ("facebook", "POST .*/photos", {"fault": "throttle", "code": 80001, "minutes": 1440}, "Too many calls"),
        ("instagram", "POST .*/media$", {"fault": "slow_container", "seconds": 86_400}, "still processing"),
    ],
)
def test_missed_post_reports_the_staging_error(
    make_enqueued, travel, sandbox, settings, request, network, route, fault, words
):
    post = make_enqueued(channels=[request.getfixturevalue(network)])
    sandbox.fault(route, times=None, **fault)
    clock_ = travel(post, seconds=-60)
    assert stage.prestage(str(post.pk)) == 0
    assert not post_content.unpublished_deliveries(post)[0].error_code  # nothing has failed yet
    clock_.shift(timedelta(seconds=61))
    assert send(post) == "pending"
    clock_.shift(timedelta(seconds=settings.MAX_LATENESS_SECONDS + 1))
    assert run.resume(str(post.pk)) == "failed"
    delivery = Delivery.objects.get(post=post)
    assert (delivery.error_code, sandbox.posts) == ("MISSED", [])
    assert words in delivery.error_message


def test_post_staged_past_the_late_limit_is_not_sent(make_enqueued, travel, sandbox, facebook, settings, monkeypatch):
    post = make_enqueued(channels=[facebook])
    clock_ = travel(post, seconds=settings.MAX_LATENESS_SECONDS - 30)
    real = stage.stage

    def slow(*args, **named):
        real(*args, **named)
        clock_.shift(timedelta(seconds=60))

    monkeypatch.setattr(stage, "stage", slow)
    assert send(post) == "failed"
    assert (sandbox.posts, Delivery.objects.get(post=post).error_code) == ([], "MISSED")


@pytest.mark.parametrize("whose", ["held up for a minute", "another's clock a minute fast"])
def test_worker_without_its_lease_inserts_no_attempt(make_enqueued, travel, sandbox, facebook, monkeypatch, whose):
    post = make_enqueued(channels=[facebook])
    clock_ = travel(post)
    real = commit.insert_attempts
    taken = []

    def late(*args):
        if not taken:
            taken.append(clock_.shift(timedelta(seconds=60)))
            assert run.resume(str(post.pk)) == "published"
            if whose.startswith("another"):
                clock_.shift(timedelta(seconds=-60))
        return real(*args)

    monkeypatch.setattr(commit, "insert_attempts", late)
    assert send(post) == "overtaken"
    # The other worker read back first, because the post was a minute late for it.
    assert list(Attempt.objects.values_list("outcome", flat=True).order_by("id")) == ["refused", "published"]
    assert (len(writes(sandbox)), fresh(post).status) == (1, "PUBLISHED")


def test_worker_that_loses_its_lease_after_the_insert_sends_nothing(
    make_enqueued, travel, sandbox, facebook, monkeypatch
):
    post = make_enqueued(channels=[facebook])
    clock_ = travel(post)
    real = commit.insert_attempts

    def late(*args):
        intents = real(*args)
        clock_.shift(timedelta(seconds=60))
        assert run.resume(str(post.pk)) == "pending"
        return intents

    with monkeypatch.context() as patch:
        patch.setattr(commit, "insert_attempts", late)
        assert send(post) == "overtaken"
    assert (writes(sandbox), Attempt.objects.get().outcome) == ([], "refused")
    assert go_on(post, clock_) == "PUBLISHED"
    assert len(writes(sandbox)) == 1


def test_published_delivery_is_not_overwritten_by_a_stale_worker(make_enqueued, travel, sandbox, facebook):
    post = make_enqueued(channels=[facebook])
    stale = Delivery.objects.select_related("channel", "post").get(post=post)
    travel(post)
    send(post)
    attempt = Attempt.objects.create(delivery=stale, approval=fresh(post).approval, lease_id=post.pk)
    outcomes.write_outcome(attempt, "unknown", Ambiguous("reset"))
    outcomes.schedule_retry(stale, Ambiguous("reset"), seconds=1)
    outcomes.handle_refusal(stale, Transient("reset"))
    outcomes.mark_failed(stale, "X", "x")
    assert Delivery.objects.get(pk=stale.pk).state == "PUBLISHED"


@pytest.mark.parametrize(("follower", "slow", "ends"), [
    ("published", "unknown", "published"), ("published", "refused", "published"), ("refused", "unknown", "refused"),
    ("refused", "published", "published"), ("unknown", "refused", "refused"),
])  # fmt: skip
def test_known_attempt_outcome_is_not_overwritten(make_enqueued, facebook, follower, slow, ends):
    post = make_enqueued(channels=[facebook])
    delivery = Delivery.objects.get(post=post)
    attempt = Attempt.objects.create(delivery=delivery, approval=post.approval, lease_id=post.pk)
    overtaken = Attempt.objects.get()
    outcomes.write_outcome(attempt, follower)
    outcomes.write_outcome(overtaken, slow, Ambiguous("reset"))
    assert (Attempt.objects.get().outcome, Attempt.objects.get().error_message == "reset") == (ends, slow == ends)


def test_stale_worker_does_not_overwrite_a_settled_delivery(
    make_enqueued, travel, sandbox, facebook, settings, monkeypatch
):
    post = make_enqueued(channels=[facebook])
    clock_ = travel(post)
    sandbox.fault("POST .*/feed", "drop_after")
    real = commit._call_in_parallel

    def slow(calls):
        answers = real(calls)
        sandbox.fault("GET", "error", times=None)
        clock_.shift(timedelta(seconds=settings.RECONCILE_LIMIT + 5))
        assert run.resume(str(post.pk)) == "failed"
        return answers

    monkeypatch.setattr(commit, "_call_in_parallel", slow)
    send(post)
    delivery = Delivery.objects.get(post=post)
    assert (fresh(post).status, delivery.state, delivery.error_code) == ("FAILED", "UNKNOWN", "UNKNOWN")


def test_unknown_attempt_before_a_refused_one_is_read_back(make_enqueued, travel, sandbox, facebook):
    post = make_enqueued(channels=[facebook])
    sandbox.fault("POST .*/feed", "drop_after")
    clock_ = travel(post)
    assert send(post) == "pending"
    approval = fresh(post).approval
    Attempt.objects.create(
        delivery=Delivery.objects.get(post=post), approval=approval, lease_id=post.pk, outcome="refused"
    )
    clock_.shift(timedelta(seconds=60))
    assert run.resume(str(post.pk)) == "published"
    assert len(sandbox.posts) == 1


def test_concurrent_staging_keeps_the_first_result(make_enqueued, sandbox, facebook):
    post = make_enqueued(channels=[facebook])
    slow = lease.load_post(str(post.pk))[1][0]
    assert stage.prestage(str(post.pk)) == 1
    kept = Delivery.objects.get(post=post).staged
    content, its_digest = post_content.current_content(fresh(post))
    task = stage.Q(post__status=Status.SCHEDULED, post__task_id=post.task_id)
    stage.stage(slow, content, its_digest, only_if=task)
    assert Delivery.objects.get(post=post).staged == slow.staged == kept


def test_stale_worker_does_not_discard_staged_media_in_use(make_enqueued, travel, sandbox, facebook, monkeypatch):
    post = make_enqueued(channels=[facebook], media=sandbox.media("clip.mp4"), media_type="VIDEO")
    task = stage.Q(post__status=Status.SCHEDULED, post__task_id=post.task_id)
    content, its_digest = post_content.current_content(fresh(post))
    assert stage.prestage(str(post.pk)) == 1
    slow = lease.load_post(str(post.pk))[1][0]
    slow.staged = {**slow.staged, "ready": False}
    real, tried = commit.insert_attempts, []

    def take_over_first(*args):
        with pytest.raises(stage.PostChanged):
            stage.stage(slow, content, its_digest, only_if=task)
        tried.append(args)
        return real(*args)

    monkeypatch.setattr(commit, "insert_attempts", take_over_first)
    clock_ = travel(post)
    assert send(post) == "pending"
    clock_.shift(timedelta(seconds=60))
    assert run.resume(str(post.pk)) == "published"
    assert (len(tried), Attempt.objects.count(), len(sandbox.posts)) == (1, 1, 1)


def test_undecryptable_token_does_not_stop_other_permalinks(make_enqueued, travel, sandbox, facebook):
    post = make_enqueued()
    travel(post)
    send(post)
    Delivery.objects.filter(post=post).update(permalink="", retry_at=None)
    seal_away(facebook)
    assert permalinks.fetch_missing() == 1


def test_failing_sweep_step_does_not_stop_the_others(make_enqueued, monkeypatch):
    make_enqueued()

    def broken():
        raise ValueError("a bug")

    monkeypatch.setattr(sweep, "miss_late", broken)
    done = sweep.sweep("worker")
    assert done["missed"] == -1
    assert done["sealed"] > 0


def test_published_post_is_claimed_by_one_delivery(make_enqueued, travel, sandbox, facebook):
    """Whatever reading back may find: the database gives a live post to one delivery, and the other looks again."""
    first, second = make_enqueued(channels=[facebook]), make_enqueued(channels=[facebook])
    travel(second)
    assert send(first) == "published"
    taken = Delivery.objects.get(post=first).platform_post_id
    sandbox.fault("POST .*/feed", "drop_before", times=1)
    assert send(second) == "pending"
    delivery = Delivery.objects.select_related("channel", "post__approval").get(post=second)
    attempt = Attempt.objects.get(delivery=delivery)
    with pytest.raises(IntegrityError), transaction.atomic():
        outcomes.mark_published(delivery, attempt, delivery.post.approval.content, taken)
    assert Delivery.objects.get(pk=delivery.pk).state == "PENDING"
