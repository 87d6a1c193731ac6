"""The hold after a restore or a failover, and pauses: nothing is published that may be published already."""

from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from django.conf import settings
from django.core.files import File
from django.core.files.storage import Storage, default_storage
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models import Q

from accounts import clock
from accounts.domain import publishing_pause
from accounts.domain.actors import WORKER, api_key_actor, user_actor
from accounts.exceptions import Conflict
from accounts.models import AuditEvent
from scheduling.domain import drafts, event_feed, health, manual_resolution, review, sweep
from scheduling.domain.drafts import ChannelText
from scheduling.domain.publishing import commit, hold, lease, run, stage
from scheduling.models import Attempt, Delivery, Notification, PublishingState, ScheduledPost
from tests.helpers import approve, fresh
from tests.scheduling.domain.conftest import go_on, send
from tests.services.engines import Redis

pytestmark = pytest.mark.django_db


class DatabaseLostError(Exception):
    pass


class ReadOnlyStorage(Storage):
    """A bucket that can be read and not written."""

    def _open(self, name, mode="rb"):
        if mode != "rb":
            raise PermissionError
        return File((Path(settings.MEDIA_ROOT) / name).open(mode))


class SilentStorage(Storage):
    def _open(self, *_):
        raise TimeoutError


@pytest.fixture(autouse=True)
def new_process(settings):
    hold._seen.clear()
    settings.LANDING_LIMIT = 0  # after_restore would wait for it


def raised():
    sweep.sweep()
    return PublishingState.objects.get()


def marker():
    return hold.read_marker(PublishingState.objects.get().installation)


def lose(function):
    """Call `function` in a copy of the database that is lost afterwards."""
    with suppress(DatabaseLostError), transaction.atomic():
        function()
        raise DatabaseLostError


def publish_and_lose(posts):
    def publish():
        for post in posts:
            assert send(post) == "published"
        sweep.sweep()

    lose(publish)
    hold._seen.clear()  # the processes were started again


def after_restore(capsys, *options):
    call_command("after_restore", "--yes", *options)
    return capsys.readouterr().out


def test_sweep_raises_the_number_in_both_at_once_after_an_attempt_and_else_every_ten_seconds(
    make_enqueued, travel, sandbox, facebook
):
    state = raised()
    assert (state.number, marker()["number"]) == (1, 1)
    assert raised().number == 1
    post = make_enqueued(channels=[facebook])
    clock_ = travel(post)
    before = raised().number
    send(post)
    assert (raised().number, marker()["number"]) == (before + 1, before + 1)
    clock_.shift(timedelta(seconds=11))
    assert raised().number == before + 2


def test_restored_database_holds_publishing_until_after_restore_settles_it(
    make_enqueued, travel, sandbox, facebook, instagram, capsys
):
    raised()
    posts = [make_enqueued() for _ in range(2)]
    never_sent = make_enqueued(channels=[facebook], scheduled_for=posts[0].scheduled_for + timedelta(seconds=30))
    clock_ = travel(posts[1])
    publish_and_lose(posts)
    clock_.shift(timedelta(seconds=60))
    assert [send(post) for post in [*posts, never_sent]] == ["held"] * 3
    counts = sweep.sweep()
    assert counts["number"] == 0
    assert not {"missed", "enqueued", "resumed", "staged"} & counts.keys()
    assert {fresh(post).status for post in posts} == {"SCHEDULED"}
    assert "Publishing is held. The database is older" in " ".join(health.check_health().problems)
    text = after_restore(capsys)
    assert "2 were published before and are settled" in text
    assert {fresh(post).status for post in posts} == {"PUBLISHED"}
    assert set(Delivery.objects.filter(post__in=posts).values_list("state", flat=True)) == {"PUBLISHED"}
    assert (send(never_sent), len(sandbox.posts)) == ("published", 5)
    assert marker()["number"] == PublishingState.objects.get().number
    verbs = AuditEvent.objects.filter(verb__startswith="publishing").values_list("verb", flat=True)
    assert list(verbs.order_by("id")) == ["publishing.hold", "publishing.release"]
    assert Notification.objects.filter(kind="HELD").count() == 1
    assert Notification.objects.filter(kind="PUBLISHED").count() == 3


def test_held_post_is_not_missed_before_it_was_read_back(make_enqueued, travel, sandbox, facebook, settings, capsys):
    raised()
    post = make_enqueued(channels=[facebook])
    clock_ = travel(post)
    publish_and_lose([post])
    clock_.shift(timedelta(seconds=settings.MAX_LATENESS_SECONDS + 60))
    sweep.sweep()
    assert (send(post), fresh(post).status) == ("held", "SCHEDULED")
    after_restore(capsys)
    assert (fresh(post).status, len(sandbox.posts)) == ("PUBLISHED", 1)


def test_post_that_was_never_sent_and_is_past_the_limit_is_missed_after_the_release(
    make_enqueued, travel, sandbox, facebook, settings, capsys
):
    raised()
    post = make_enqueued(channels=[facebook])
    clock_ = travel(post)
    lose(raised)
    PublishingState.objects.update(number=0)
    clock_.shift(timedelta(seconds=settings.MAX_LATENESS_SECONDS + 60))
    sweep.sweep()
    assert "1 were not published" in after_restore(capsys)
    sweep.sweep()
    assert (fresh(post).status, sandbox.posts) == ("FAILED", [])


def test_story_that_may_be_published_is_left_to_a_person(make_enqueued, travel, sandbox, instagram, capsys):
    raised()
    post = make_enqueued(channels=[instagram], type="STORY")
    clock_ = travel(post)
    publish_and_lose([post])
    clock_.shift(timedelta(seconds=60))
    sweep.sweep()
    assert "1 are read back again" in after_restore(capsys)
    assert go_on(post, clock_, seconds=60, rounds=20) == "FAILED"
    assert Delivery.objects.get().state == "UNKNOWN"
    assert len(sandbox.posts) == 1


def test_dry_run_changes_nothing(make_enqueued, travel, sandbox, facebook, capsys):
    raised()
    post = make_enqueued(channels=[facebook])
    clock_ = travel(post)
    publish_and_lose([post])
    clock_.shift(timedelta(seconds=60))
    sweep.sweep()
    call_command("after_restore", "--dry-run")
    assert f"{facebook.public_id} {facebook.name}: is published {sandbox.posts[0]['id']}" in capsys.readouterr().out
    assert (fresh(post).status, Attempt.objects.count()) == ("SCHEDULED", 0)
    assert PublishingState.objects.get().held_at is not None


def test_dry_run_holds_nothing(capsys):
    raised()
    call_command("after_restore", "--dry-run", "--hold", "a snapshot")
    assert PublishingState.objects.get().held_at is None


def test_post_in_doubt_is_neither_reverted_nor_deleted(make_enqueued, travel, sandbox, facebook, key, capsys):
    raised()
    post = make_enqueued(channels=[facebook])
    clock_ = travel(post)
    publish_and_lose([post])
    clock_.shift(timedelta(seconds=60))
    sweep.sweep()
    for take_back in (review.revert, drafts.delete):
        with pytest.raises(Conflict, match="held after a restore"):
            take_back(api_key_actor(key), fresh(post))
    after_restore(capsys)
    assert (fresh(post).status, len(sandbox.posts)) == ("PUBLISHED", 1)


def test_nothing_is_approved_while_publishing_is_held(make_waiting, reviewer, organization, seat, capsys):
    raised()
    post = make_waiting()
    hold.hold_by_person(WORKER, "a snapshot")
    with pytest.raises(Conflict, match="held after a restore"):
        approve(seat(reviewer, organization), post)
    assert fresh(post).status == "WAITING_FOR_APPROVAL"
    after_restore(capsys)
    approve(seat(reviewer, organization), post)
    assert fresh(post).status == "SCHEDULED"


def test_post_is_not_taken_back_while_the_storage_does_not_answer(make_enqueued, travel, facebook, key, monkeypatch):
    post = make_enqueued(channels=[facebook])
    travel(post)

    def unavailable(*_):
        raise OSError("unavailable")

    monkeypatch.setattr(default_storage, "open", unavailable)
    with pytest.raises(Conflict, match="try again"):
        review.revert(api_key_actor(key), fresh(post))


def test_cursor_of_the_lost_database_skips_no_event(make_draft, key, capsys):
    raised()
    make_draft()
    event_feed.number()
    _, before = event_feed.read(key, after=0, types=[], limit=10)
    after_restore(capsys, "--hold", "a snapshot")
    later = make_draft()
    event_feed.number()
    items, _ = event_feed.read(key, after=before + 7, types=["post.created"], limit=10)
    assert str(later.pk) in [item["post"]["id"] for item in items]


@pytest.mark.parametrize("numbered", [True, False])
def test_event_of_a_held_installation_is_skipped_by_no_cursor_of_the_lost_database(make_draft, key, numbered, capsys):
    raised()
    make_draft()
    if numbered:
        event_feed.number()
    _, before = event_feed.read(key, after=0, types=[], limit=10)
    default_storage.delete(hold._name(PublishingState.objects.get().installation))
    during = make_draft()
    sweep.sweep()
    sweep.sweep()
    types = ["publishing.held", "post.created"]
    items, reached = event_feed.read(key, after=before + 7, types=types, limit=10)
    assert str(during.pk) in [item["post"]["id"] for item in items if item["post"]]
    assert "publishing.held" in [item["type"] for item in items]
    after_restore(capsys)
    event_feed.number()
    items, _ = event_feed.read(key, after=reached, types=[], limit=10)
    assert [item["type"] for item in items] == ["publishing.released"]


def test_event_is_not_numbered_before_the_storage_was_compared(make_draft, key, settings):
    raised()
    make_draft()
    hold._seen.clear()
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": f"{__name__}.SilentStorage"}}
    assert sweep.sweep()["number"] == -1
    assert event_feed.read(key, after=0, types=[], limit=10)[0] == []


def test_release_without_a_writable_storage_leaves_publishing_held(make_draft, settings, capsys):
    make_draft()
    raised()
    hold.hold_by_person(WORKER, "a snapshot")
    stored = settings.STORAGES
    settings.STORAGES = {**stored, "default": {"BACKEND": f"{__name__}.ReadOnlyStorage"}}
    with pytest.raises(CommandError, match="storage does not answer"):
        after_restore(capsys)
    assert PublishingState.objects.get().held_at is not None
    assert not AuditEvent.objects.filter(verb="publishing.release").exists()
    settings.STORAGES = stored
    after_restore(capsys)
    assert (PublishingState.objects.get().held_at, marker()["number"]) == (None, raised().number)


def test_publishing_post_of_the_backup_is_read_back(make_enqueued, travel, sandbox, facebook, capsys):
    """The backup was made between the claim and the answer."""
    raised()
    post = make_enqueued(channels=[facebook])
    sandbox.fault("POST .*/feed", "drop_after")
    clock_ = travel(post)
    assert send(post) == "pending"
    PublishingState.objects.update(number=0)
    clock_.shift(timedelta(seconds=60))
    sweep.sweep()
    assert run.resume(str(post.pk)) == "held"
    assert "1 were published before" in after_restore(capsys)
    assert (fresh(post).status, len(sandbox.posts)) == ("PUBLISHED", 1)


def test_process_that_has_seen_a_higher_number_holds_at_once(make_enqueued, travel, sandbox, facebook):
    """A replica without the last transactions took over while the worker ran on."""
    raised()
    post = make_enqueued(channels=[facebook])
    travel(post)
    lose(lambda: [send(post), sweep.sweep()])
    assert send(post) == "held"
    assert len(sandbox.posts) == 1


@pytest.mark.parametrize("started_again", [True, False])
def test_missing_number_in_the_storage_holds(make_enqueued, travel, facebook, started_again):
    post = make_enqueued(channels=[facebook])
    default_storage.delete(hold._name(raised().installation))
    travel(post)
    if started_again:
        hold._seen.clear()
    sweep.sweep()
    assert send(post) == "held"
    assert PublishingState.objects.get().hold_reason == hold.NO_MARKER


def test_database_with_attempts_and_without_a_number_is_held(make_enqueued, travel, facebook):
    post = make_enqueued(channels=[facebook])
    travel(post)
    send(post)
    PublishingState.objects.all().delete()
    sweep.sweep()
    assert PublishingState.objects.get().held_at is not None


def test_number_that_two_sweeps_raise_at_once_is_no_hold():
    state = raised()
    stale = PublishingState.objects.get()
    PublishingState.objects.update(number=7)
    hold._write_marker(PublishingState.objects.get())
    hold._verify(stale, now=True)
    assert (stale.held_at, state.number) == (None, 1)


def test_unreadable_storage_stops_a_new_process_only(make_enqueued, travel, sandbox, facebook, settings, monkeypatch):
    post = make_enqueued(channels=[facebook])
    raised()
    travel(post)
    path = default_storage.path(hold._name(PublishingState.objects.get().installation))
    with open(path, "w") as file:
        file.write("not JSON")
    hold._seen.clear()
    with pytest.raises(hold.Unverified):
        send(post)
    assert sweep.sweep()["number"] == -1
    assert fresh(post).status == "SCHEDULED"


def test_after_restore_without_a_hold_is_refused_unless_it_gives_a_reason(capsys):
    raised()
    with pytest.raises(CommandError, match="not held"):
        call_command("after_restore", "--yes")
    after_restore(capsys, "--hold", "the machine was reset to a snapshot")
    assert AuditEvent.objects.filter(verb="publishing.release").count() == 0  # there is no organization
    assert PublishingState.objects.get().released_at is not None


# What was retried, approved or moved after the backup


@pytest.fixture
def lost_retry(make_enqueued, travel, sandbox, seat, reviewer, organization):
    """Return a function that fails a post, then retries and publishes it in a database that is lost."""

    def make(**changes):
        raised()
        post = make_enqueued(**changes)
        sandbox.fault("POST .*/(feed|media_publish)", "error", times=None, code=100)
        clock_ = travel(post)
        assert (send(post), fresh(post).status) == ("failed", "FAILED")
        sandbox.heal()
        raised()

        def retry():
            approve(seat(reviewer, organization), post, now=True)
            clock_.shift(timedelta(seconds=1))
            assert send(fresh(post)) == "published"
            sweep.sweep()

        clock_.shift(timedelta(seconds=20))
        lose(retry)
        hold._seen.clear()
        clock_.shift(timedelta(seconds=60))
        sweep.sweep()
        assert (fresh(post).status, PublishingState.objects.get().held_at is not None) == ("FAILED", True)
        return post, clock_

    return make


def test_failed_post_that_was_retried_and_published_after_the_backup_is_settled(
    lost_retry, sandbox, facebook, instagram, capsys
):
    post, _ = lost_retry()
    assert len(sandbox.posts) == 2
    text = after_restore(capsys)
    assert "1 posts failed lately" in text
    assert "1 were published before and are settled" in text
    assert fresh(post).status == "PUBLISHED"
    found = set(Delivery.objects.values_list("platform_post_id", flat=True))
    assert found == {row["id"] for row in sandbox.posts}
    assert set(Attempt.objects.filter(outcome="published").values_list("delivery", flat=True)) == set(
        Delivery.objects.values_list("pk", flat=True)
    )
    assert AuditEvent.objects.filter(verb="settle").count() == 1


def test_retry_of_a_post_that_was_published_after_the_backup_reads_back_first(
    lost_retry, sandbox, facebook, capsys, seat, reviewer, organization
):
    """The post failed too long ago for after_restore to look it up."""
    post, clock_ = lost_retry(channels=[facebook])
    ScheduledPost.objects.update(scheduled_for=clock.now() - timedelta(days=8))
    assert "failed lately" not in after_restore(capsys)
    approve(seat(reviewer, organization), post, now=True)
    clock_.shift(timedelta(seconds=1))
    assert send(fresh(post)) == "published"
    assert (len(sandbox.posts), Delivery.objects.get().platform_post_id) == (1, sandbox.posts[0]["id"])


def test_failed_post_that_was_not_retried_stays_failed_and_is_retried_once(
    make_enqueued, travel, sandbox, facebook, capsys, seat, reviewer, organization
):
    raised()
    post = make_enqueued(channels=[facebook])
    sandbox.fault("POST .*/feed", "error", times=None, code=100)
    clock_ = travel(post)
    assert send(post) == "failed"
    sandbox.heal()
    clock_.shift(timedelta(seconds=60))
    assert "1 stay failed" in after_restore(capsys, "--hold", "a snapshot")
    approve(seat(reviewer, organization), post, now=True)
    clock_.shift(timedelta(seconds=1))
    assert (send(fresh(post)), len(sandbox.posts)) == ("published", 1)
    assert Delivery.objects.get().lost_since is None
    assert list(Attempt.objects.order_by("id").values_list("error_code", "outcome"))[1:] == [
        ("LOST", "refused"),
        ("", "published"),
    ]


def publish_of(post, seat, reviewer, organization, clock_):
    def publish():
        approve(seat(reviewer, organization), post, now=True)
        clock_.shift(timedelta(seconds=1))
        assert send(fresh(post)) == "published"
        sweep.sweep()

    return publish


@pytest.mark.parametrize("kind", ["image", "link"])
def test_post_that_was_approved_and_published_after_the_backup_is_not_published_again(
    make_waiting, travel, sandbox, facebook, capsys, seat, reviewer, organization, kind
):
    raised()
    link = {"media": f"{sandbox.url}/menu", "media_type": None} if kind == "link" else {}
    post = make_waiting(channels=[facebook], **link)
    clock_ = travel(post, -600)
    raised()
    lose(publish_of(post, seat, reviewer, organization, clock_))
    hold._seen.clear()
    clock_.shift(timedelta(seconds=60))
    sweep.sweep()
    assert fresh(post).status == "WAITING_FOR_APPROVAL"
    after_restore(capsys)
    approve(seat(reviewer, organization), post)
    clock_.move_to(fresh(post).scheduled_for + timedelta(seconds=0.05))
    assert send(fresh(post)) == "published"
    assert (len(sandbox.posts), Delivery.objects.get().platform_post_id) == (1, sandbox.posts[0]["id"])


def test_post_of_another_text_that_was_lost_stops_no_other_post(
    make_waiting, travel, sandbox, facebook, instagram, capsys, seat, reviewer, organization
):
    """The database lost a whole post: what the platform shows of it is no doubt about posts with another text."""
    raised()
    texts = {item.public_id: ChannelText(item.type, "Another text") for item in (facebook, instagram)}
    kept, lost = make_waiting(), make_waiting(channels=texts)
    clock_ = travel(kept, -600)
    raised()

    def publish_and_delete():
        publish_of(lost, seat, reviewer, organization, clock_)()
        sweep.sweep()

    lose(publish_and_delete)
    drafts.delete(WORKER, fresh(lost))
    hold._seen.clear()
    clock_.shift(timedelta(seconds=60))
    sweep.sweep()
    after_restore(capsys)
    approve(seat(reviewer, organization), kept)
    clock_.move_to(fresh(kept).scheduled_for + timedelta(seconds=0.05))
    assert (send(fresh(kept)), len(sandbox.posts)) == ("published", 4)


def test_post_that_was_moved_forward_and_published_after_the_backup_is_not_published_again(
    make_enqueued, travel, sandbox, facebook, capsys
):
    raised()
    post = make_enqueued(channels=[facebook])
    clock_ = travel(post, -1200)
    raised()

    def move_and_publish():
        ScheduledPost.objects.filter(pk=post.pk).update(scheduled_for=clock.now())
        row, deliveries = lease.load_post(str(post.pk))
        claimed = lease.claim(row, deliveries, task_id=str(row.task_id))
        content = row.approval.content
        stage.stage(claimed.deliveries[0], content, row.approved_digest, only_if=Q())
        commit.publish_ready(claimed, claimed.deliveries, content)
        sweep.sweep()

    lose(move_and_publish)
    hold._seen.clear()
    clock_.shift(timedelta(seconds=60))
    sweep.sweep()
    assert (len(sandbox.posts), fresh(post).status) == (1, "SCHEDULED")
    after_restore(capsys)
    clock_.move_to(post.scheduled_for + timedelta(seconds=0.05))
    assert (send(fresh(post)), len(sandbox.posts)) == ("published", 1)


def test_edit_after_a_restore_keeps_the_mark(make_waiting, facebook, instagram, key, capsys):
    raised()
    post = make_waiting()
    after_restore(capsys, "--hold", "a snapshot")
    marked = set(Delivery.objects.values_list("lost_since", flat=True))
    texts = {facebook.public_id: ChannelText(facebook.type, "Another text")}
    drafts.edit(api_key_actor(key), fresh(post), changes={"channels": texts})
    assert set(Delivery.objects.values_list("lost_since", flat=True)) == marked != {None}


def test_story_that_a_person_did_not_find_is_sent_by_the_retry(
    make_waiting, travel, sandbox, instagram, capsys, seat, reviewer, organization
):
    raised()
    post, other = make_waiting(channels=[instagram], type="STORY"), make_waiting(channels=[instagram], type="STORY")
    clock_ = travel(post, -600)
    raised()
    lose(publish_of(other, seat, reviewer, organization, clock_))
    hold._seen.clear()
    clock_.shift(timedelta(seconds=60))
    sweep.sweep()
    after_restore(capsys)
    approve(seat(reviewer, organization), post)
    clock_.move_to(fresh(post).scheduled_for + timedelta(seconds=0.05))
    assert send(fresh(post)) == "pending"
    assert go_on(post, clock_, seconds=60, rounds=30) == "FAILED"
    delivery = Delivery.objects.get(post=post)
    assert (delivery.state, len(sandbox.posts)) == ("UNKNOWN", 1)
    manual_resolution.mark_not_published(seat(reviewer, organization), delivery, revision=fresh(post).revision)
    approve(seat(reviewer, organization), post, now=True)
    clock_.shift(timedelta(seconds=1))
    assert (send(fresh(post)), len(sandbox.posts)) == ("published", 2)


# Pauses


def test_paused_organization_publishes_nothing_and_others_do(
    make_enqueued, travel, sandbox, facebook, organization, admin_member
):
    post = make_enqueued(channels=[facebook])
    publishing_pause.set_pause(user_actor(admin_member), organization, "A crisis")
    travel(post)
    assert (send(post), stage.prestage(str(post.pk)), fresh(post).status) == ("paused", 0, "SCHEDULED")
    counts = sweep.sweep()
    assert (counts["enqueued"], counts["staged"]) == (0, 0)
    assert health.queue_stats(ScheduledPost.objects.all()).overdue == 0
    publishing_pause.set_pause(user_actor(admin_member), organization, None)
    assert (send(post), len(sandbox.posts)) == ("published", 1)
    assert Notification.objects.filter(kind="PAUSED").count() == 1


def test_post_that_stays_paused_fails_at_the_late_limit_with_the_reason(
    make_enqueued, travel, sandbox, facebook, organization, admin_member, settings
):
    post = make_enqueued(channels=[facebook])
    publishing_pause.set_pause(user_actor(admin_member), organization, "A crisis")
    clock_ = travel(post)
    clock_.shift(timedelta(seconds=settings.MAX_LATENESS_SECONDS + 1))
    sweep.sweep()
    assert (fresh(post).status, Delivery.objects.get().error_code) == ("FAILED", "MISSED")
    assert "A crisis" in fresh(post).failure_reason


def test_pause_stops_the_retry_of_a_post_and_settles_it_at_the_late_limit(
    make_enqueued, travel, sandbox, facebook, settings
):
    post = make_enqueued(channels=[facebook])
    sandbox.fault("POST .*/feed", "flicker", times=None)
    clock_ = travel(post)
    assert send(post) == "pending"
    hold.set_pause(WORKER, "A crisis")
    sandbox.heal()
    clock_.shift(timedelta(seconds=60))
    assert (run.resume(str(post.pk)), fresh(post).status) == ("paused", "PUBLISHING")
    clock_.shift(timedelta(seconds=settings.MAX_LATENESS_SECONDS))
    assert (run.resume(str(post.pk)), sandbox.posts) == ("failed", [])


def test_claim_refuses_a_post_that_was_paused_after_it_was_loaded(
    make_enqueued, travel, facebook, organization, admin_member, monkeypatch
):
    post = make_enqueued(channels=[facebook])
    travel(post)
    real = run._wait_until

    def wait(at):
        publishing_pause.set_pause(user_actor(admin_member), organization, "A crisis")
        return real(at)

    monkeypatch.setattr(run, "_wait_until", wait)
    assert (send(post), fresh(post).status) == ("void", "SCHEDULED")


def test_paused_installation_is_not_ready_and_says_why(make_enqueued, travel, sandbox, facebook, capsys):
    post = make_enqueued(channels=[facebook])
    call_command("pause_publishing", "--reason", "The platform is down")
    travel(post)
    assert send(post) == "paused"
    assert "Publishing is paused: The platform is down" in health.check_health().problems
    call_command("pause_publishing", "--resume")
    assert send(post) == "published"
    verbs = AuditEvent.objects.filter(verb__startswith="publishing").order_by("id")
    assert list(verbs.values_list("verb", flat=True)) == ["publishing.pause", "publishing.resume"]


# Health and the broker


def test_oldest_due_post_makes_the_installation_not_ready_whatever_its_state(
    make_enqueued, travel, sandbox, facebook, settings
):
    post = make_enqueued(channels=[facebook])
    sandbox.fault("GET|POST .*", "error", times=None, code=2)
    clock_ = travel(post)
    assert send(post) == "pending"
    clock_.shift(timedelta(seconds=settings.HEALTH_LATE + 5))
    run.resume(str(post.pk))  # the lease is fresh, and nothing is overdue
    assert health.queue_stats(ScheduledPost.objects.all()).overdue == 0
    assert any("is still being published" in problem for problem in health.check_health().problems)


def test_lost_broker_memory_enqueues_everything_in_the_horizon_again(make_enqueued, facebook, no_messages):
    sweep.forget_lost_messages()
    post = make_enqueued(channels=[facebook], scheduled_for=clock.now() + timedelta(minutes=5))
    assert sweep.sweep()["enqueued"] == 0
    sweep.cache.delete(sweep.BROKER_MARKER)
    counts = sweep.sweep()
    assert (counts["lost_messages"], counts["enqueued"]) == (1, 1)
    assert sweep.sweep()["enqueued"] == 0
    assert fresh(post).status == "SCHEDULED"


def test_redis_that_restarts_with_its_data_enqueues_everything_in_the_horizon_again(
    make_enqueued, facebook, no_messages, settings
):
    with Redis() as broker:
        settings.REDIS_URL = broker.url
        settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": broker.url}}
        make_enqueued(channels=[facebook], scheduled_for=clock.now() + timedelta(minutes=5))
        sweep.sweep()
        assert sweep.forget_lost_messages() == 0
        redis.Redis.from_url(broker.url).save()
        broker.kill()
        broker.start()
        assert sweep.forget_lost_messages() == 1
        assert sweep.forget_lost_messages() == 0
        redis.Redis.from_url(broker.url).acl_setuser("default", enabled=True, commands=["-info"])
        assert sweep.forget_lost_messages() == 0
        sweep.cache.delete(sweep.BROKER_MARKER)
        assert sweep.forget_lost_messages() == 1
