"""Clocks that differ or are corrected: no post is missed, blocked or published twice."""

import time
from datetime import timedelta
from uuid import uuid4

import pytest

from accounts import clock
from posts.graph import client
from posts.graph.account import Account
from scheduling.domain import health, sweep
from scheduling.domain.publishing import run
from scheduling.models import Delivery, ScheduledPost, WorkerHeartbeat
from tests.helpers import approve, fresh
from tests.scheduling.domain.conftest import go_on, send
from tests.services.processes import eventually
from tests.services.sandbox import FACEBOOK, SandboxControl


def only(model):
    return model.objects.get()


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("heard", "ends"), [(True, "PUBLISHED"), (False, "UNKNOWN")])
def test_reconcile_after_a_fast_clock_was_corrected_finds_the_post(
    processes, make_waiting, judge, facebook, tmp_path, monkeypatch, settings, heard, ends
):
    """With the platform's time known, the post is found by it; otherwise a person resolves it."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"

    def off_by(seconds, there):
        ours.write_text(str(seconds), encoding="ascii")
        theirs.write_text(str(there), encoding="ascii")

    off_by(300, 0)
    monkeypatch.setenv("DYNAMO_CLOCK_FILE", str(theirs))
    settings.GRAPH_BASE_URL = processes.sandbox(tmp_path / "platform")[1]
    monkeypatch.setattr(clock, "FILE", str(ours))
    platform = SandboxControl(settings.GRAPH_BASE_URL)
    platform.register(FACEBOOK)
    platform.settings(duplicate_check=False)
    post = make_waiting(channels=[facebook], media="https://example.com/a", media_type=None)
    approve(judge, post, now=True)
    client._platform_clock.clear()
    if heard:
        client.get(Account(facebook.type, facebook.platform_id, facebook.token), facebook.platform_id, fields="id")
    platform.fault("POST .*/feed", "drop_after")
    eventually(lambda: send(fresh(post)) == "pending")
    for passed in (2, 245, 400, 440, 480, 1300):
        off_by(passed, passed)
        run.resume(str(post.pk))
    assert (len(platform.posts), only(Delivery).state) == (1, ends)


@pytest.mark.django_db
@pytest.mark.parametrize("offset", [timedelta(days=-20_000), timedelta(days=-3)])
def test_reconcile_with_an_implausible_platform_clock_claims_no_older_post(
    make_enqueued, travel, sandbox, facebook, settings, offset
):
    """An older post with the same caption is not claimed, and the lost post is not sent again."""
    sandbox.settings(duplicate_check=False)
    post = make_enqueued(channels=[facebook], media="https://example.com/a", media_type=None)
    words = only(Delivery).caption
    clock_ = travel(post, seconds=-2 * 86_400)
    page = Account(facebook.type, facebook.platform_id, facebook.token)
    client.post_public(page, f"{page.platform_id}/feed", {"message": words, "link": post.media})
    clock_.move_to(post.scheduled_for)
    sandbox.fault("POST .*/feed", "drop_before")
    client._platform_clock.append((clock.now() + offset, time.monotonic()))
    assert send(post) == "pending"
    assert go_on(post, clock_, seconds=settings.RECONCILE_LIMIT) == "FAILED"
    assert (len(sandbox.posts), only(Delivery).state, only(Delivery).platform_post_id) == (1, "UNKNOWN", "")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("held", "seconds", "woken"), [(True, 250, 0), (True, 3600, 1), (False, 600, 0), (False, 7200, 1)]
)
def test_lease_with_an_implausible_end_is_taken_over(make_enqueued, travel, sandbox, no_messages, held, seconds, woken):
    post = make_enqueued()
    travel(post)
    until = clock.now() + timedelta(seconds=seconds)
    columns = {"lease_id": uuid4() if held else None, "lease_expires_at": until}
    ScheduledPost.objects.filter(pk=post.pk).update(status="PUBLISHING", task_id=None, **columns)
    assert sweep.resume_expired_leases() == woken
    assert run.resume(str(post.pk)) == ("published" if woken else "void")


@pytest.mark.django_db
def test_worker_with_a_fast_clock_is_reported_and_not_counted():
    WorkerHeartbeat.objects.create(worker="w1@fast", seen_at=clock.now() + timedelta(seconds=90))
    seen = health.check_health()
    assert [problem.split(" is ")[0] for problem in seen.problems] == [
        "The sweep has never run. Start a Celery worker and Celery beat.",
        "The clock of worker w1@fast",
    ]
    assert seen.workers == 0
    health.record_heartbeat("w1@fast")
    assert health.check_health().problems == []
