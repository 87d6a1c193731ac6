"""Slow receivers and media hosts do not delay publishing."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.db.models import F, Max

from accounts import clock
from accounts.domain import actors
from dynamo.celery import app
from scheduling.domain.notifications import webhooks
from scheduling.models import Delivery, NotificationDelivery, ScheduledPost, Webhook
from tests.services.processes import ProcessGroup, eventually
from tests.services.webhook_receiver import HANG, receiving

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


def test_receiver_that_hangs_delays_neither_posts_nor_other_receivers(
    processes: ProcessGroup, make_scheduled, sandbox, facebook, organization, admin_member
):
    actor = actors.user_actor(admin_member)
    with receiving() as hanging, receiving() as responsive:
        hanging.answers = [HANG] * 1000
        for receiver in (hanging, responsive):
            webhooks.add(
                actor, organization=organization, url=receiver.url, kinds=["SUBMITTED", "APPROVED", "PUBLISHED"]
            )
        post = make_scheduled(channels=[facebook], scheduled_for=clock.now() + timedelta(seconds=5))
        processes.worker("--pool", "threads", concurrency=1, beat=True, DYNAMO_SWEEP_INTERVAL="1")
        processes.media_worker(concurrency=2)
        eventually(lambda: hanging.calls, what="the call that hangs")
        eventually(lambda: ScheduledPost.objects.get(pk=post.pk).status == "PUBLISHED", what="published")
        sent = NotificationDelivery.objects.filter(webhook__url=responsive.url, state="SENT")
        eventually(lambda: sent.count() == 3, what="all sent to the other receiver")
        assert len(responsive.calls) == 3
        assert NotificationDelivery.objects.filter(webhook__url=hanging.url, state="SENT").count() == 0


@contextmanager
def dripping_host() -> Iterator[tuple[str, list[str]]]:
    """Serve a file at a byte per half second; yield its URL and the list of requests."""
    requests: list[str] = []
    closing = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requests.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "image/jpeg")
            self.send_header("Content-Length", "100000")
            self.end_headers()
            while not closing.wait(0.5):
                self.wfile.write(b"x")

        def log_message(self, *_: Any) -> None:
            """Write no log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/drip.jpg", requests
    finally:
        closing.set()
        server.shutdown()
        server.server_close()


def test_twenty_hanging_receivers_and_media_hosts_delay_none_of_a_hundred_posts(
    processes: ProcessGroup, make_scheduled, make_waiting, sandbox, facebook, organization
):
    posts, hosts = 100, 20
    with ExitStack() as stack:
        receivers = [stack.enter_context(receiving()) for _ in range(hosts)]
        drips = [stack.enter_context(dripping_host()) for _ in range(hosts)]
        for receiver in receivers:
            receiver.answers = [HANG] * 1000
        template, _ = webhooks.add(
            actors.WORKER, organization=organization, url=receivers[0].url, kinds=["APPROVED", "PUBLISHED"]
        )
        for receiver in receivers[1:]:  # more than a person can add
            Webhook.objects.create(
                organization=organization,
                url=receiver.url,
                kinds=template.kinds,
                secret_encrypted=template.secret_encrypted,
            )
        began = time.monotonic()
        scheduled_for = clock.now() + timedelta(seconds=90)
        made = [make_scheduled(channels=[facebook], scheduled_for=scheduled_for) for _ in range(posts)]
        slow = [make_waiting(channels=[facebook]) for _ in range(hosts)]
        for post, (url, _requests) in zip(slow, drips, strict=True):
            ScheduledPost.objects.filter(pk=post.pk).update(media=url, media_checked_at=None)
        app.control.purge()
        print(f"made in {time.monotonic() - began:.0f} s")
        for post in slow:
            app.send_task("scheduling.inspect_media", args=[str(post.pk), post.version])
        processes.worker("--pool", "threads", concurrency=8, beat=True, DYNAMO_SWEEP_INTERVAL="1")
        processes.media_worker(concurrency=2 * hosts)  # so many that all of them hang at the same time
        eventually(lambda: all(requests for _, requests in drips), within=60, what="every media host is asked")
        eventually(lambda: all(receiver.calls for receiver in receivers), within=60, what="every receiver is called")
        assert clock.now() < scheduled_for, "the machine is too slow to prepare the posts"
        ids = [post.pk for post in made]
        published = ScheduledPost.objects.filter(pk__in=ids, status="PUBLISHED")
        eventually(lambda: published.count() == posts, within=150, what="all published")
        late = Delivery.objects.filter(post__in=ids).aggregate(late=Max(F("published_at") - F("post__scheduled_for")))
        print(f"last of {posts} published after {late['late'].total_seconds():.2f} s")
        assert late["late"] < timedelta(seconds=10)
        assert not NotificationDelivery.objects.filter(means="WEBHOOK", state="SENT").exists()
