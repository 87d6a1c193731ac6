"""Publishing with real workers: repeated messages, lost revokes, brokers down, workers killed."""

from datetime import timedelta

import pytest

from accounts import clock
from dynamo.celery import app
from posts.models import PublishedPost
from scheduling.models import Attempt, ScheduledPost
from tests.helpers import approve, fresh
from tests.services.processes import ProcessGroup, eventually

pytestmark = pytest.mark.processes

QUICK = {
    "DYNAMO_SWEEP_INTERVAL": "0.5",
    "GRAPH_CONNECT_TIMEOUT": "1",
    "GRAPH_READ_TIMEOUT": "3",
    "DYNAMO_LEASE_SECONDS": "5",
    "DYNAMO_ABSENCE_SPACING": "2",
}
REVERT = """
import sys
import time
from pathlib import Path

import django

django.setup()
from accounts.domain import actors
from accounts.models import ApiKey
from scheduling.domain import review
from scheduling.models import ScheduledPost

print("ready", flush=True)
while not Path(sys.argv[1]).exists():
    time.sleep(0.05)
post = ScheduledPost.objects.get(pk=Path(sys.argv[1]).read_text())
review.revert(actors.api_key_actor(ApiKey.objects.get()), post)
print("reverted")
"""


def status(post):
    return ScheduledPost.objects.get(pk=post.pk).status


def soon(seconds):
    return clock.now() + timedelta(seconds=seconds)


@pytest.fixture
def make_due(make_waiting, seat, reviewer, organization):
    """Make an approved post that is due now, or in so many seconds from its approval."""

    def make(seconds=0, **changes):
        post, judge = make_waiting(**changes), seat(reviewer, organization)
        approve(judge, post, now=not seconds, scheduled_for=soon(seconds) if seconds else None)
        return fresh(post)

    return make


def send(post):
    app.send_task("scheduling.publish", args=[str(post.pk), str(post.task_id)], task_id=str(post.task_id))


def past(post, seconds=1.5):
    eventually(lambda: clock.now() > post.scheduled_for + timedelta(seconds=seconds))


@pytest.mark.embedded
def test_approved_post_is_published_on_time_and_listed(processes: ProcessGroup, make_due, sandbox, api):
    processes.worker("--pool", "threads", concurrency=4, beat=True, **QUICK)
    post = make_due(seconds=6)
    eventually(lambda: status(post) == "PUBLISHED", what="published")
    assert len(sandbox.posts) == 2
    assert all(item["published_at"] >= post.scheduled_for.isoformat()[:23] for item in sandbox.posts)
    listed = api.get("/posts").json()
    assert {item["id"] for item in listed} == {post["id"] for post in sandbox.posts}


@pytest.mark.embedded
def test_repeated_message_to_four_workers_publishes_once(processes: ProcessGroup, make_due, sandbox):
    post = make_due()
    for _ in range(10):
        send(post)
    for number in range(4):
        processes.worker("--pool", "threads", concurrency=2, wait=number == 3, **QUICK)
    eventually(lambda: status(post) == "PUBLISHED", what="published")
    eventually(lambda: not _waiting("publishing"), what="all ten taken")
    published = Attempt.objects.filter(outcome="published")  # a late post is read back first, in attempts of its own
    assert (len(sandbox.posts), published.count(), PublishedPost.objects.count()) == (2, 2, 2)


def _waiting(queue):
    with app.connection_for_read() as connection:
        return connection.default_channel.queue_declare(queue, passive=False).message_count


def test_publishing_worker_ignores_other_queues(processes: ProcessGroup, make_due, sandbox, facebook):
    post = make_due(channels=[facebook])
    app.control.purge()
    for _ in range(50):
        app.send_task("scheduling.inspect_media", args=[str(post.pk), post.version])
    send(post)
    processes.worker("--pool", "threads", concurrency=2, **QUICK)
    eventually(lambda: status(post) == "PUBLISHED", what="published")
    assert (len(sandbox.posts), _waiting("media")) == (1, 50)


def test_revert_without_a_broker_stops_a_delivered_message(processes: ProcessGroup, make_due, tmp_path, sandbox):
    worker = processes.worker("--pool", "threads", concurrency=2, **QUICK)
    reverter = processes.start(
        "reverter",
        ["-c", REVERT, str(tmp_path / "post")],
        DJANGO_SETTINGS_MODULE="dynamo.settings",
        REDIS_URL="redis://127.0.0.1:1/0",  # no broker there: neither cancel nor revoke is sent
    )
    eventually(lambda: "ready" in reverter.output(), what="the other process runs")
    post = make_due(seconds=45)
    eventually(lambda: "publish" in str(app.control.inspect(timeout=5).scheduled()), what="the worker holds it")
    (tmp_path / "new").write_text(str(post.pk))
    (tmp_path / "new").rename(tmp_path / "post")
    assert reverter.popen.wait(240) == 0, reverter.output()
    past(post)
    eventually(lambda: "'void'" in worker.output(), what="the message came to nothing")
    assert (sandbox.posts, status(post)) == ([], "DRAFT")


@pytest.mark.embedded
def test_message_lost_by_the_broker_is_enqueued_again(processes: ProcessGroup, make_due, sandbox, facebook):
    post = make_due(channels=[facebook])
    ScheduledPost.objects.filter(pk=post.pk).update(enqueued_at=clock.now())
    app.control.purge()
    processes.worker("--pool", "threads", concurrency=2, beat=True, **QUICK)
    eventually(lambda: status(post) == "PUBLISHED", what="published all the same")
    assert len(sandbox.posts) == 1


@pytest.mark.parametrize("fault", ["delay", pytest.param("delay_after", marks=pytest.mark.embedded)])
def test_killed_worker_is_replaced_and_the_post_is_published_once(
    processes: ProcessGroup, make_due, sandbox, facebook, fault
):
    sandbox.fault("POST .*/feed", fault, seconds=2.5)
    worker = processes.worker("--pool", "threads", concurrency=2, beat=True, **QUICK)
    post = make_due(channels=[facebook])
    eventually(Attempt.objects.filter(outcome="").exists, what="the intent")
    worker.kill()
    assert (status(post), Attempt.objects.filter(outcome="").count()) == ("PUBLISHING", 1)
    processes.worker("--pool", "threads", concurrency=2, beat=True, **QUICK)
    eventually(lambda: status(post) == "PUBLISHED", what="settled by another worker")
    assert len(sandbox.posts) == 1
