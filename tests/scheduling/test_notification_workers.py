"""Slow receivers and media hosts do not delay publishing."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta

import pytest
from django.db.models import F, Max

from accounts import clock
from accounts.domain import actors
from dynamo.celery import app
from scheduling.domain.notifications import webhooks
from scheduling.models import Delivery, NotificationDelivery, ScheduledPost
from tests.services.processes import ProcessGroup, eventually
from tests.services.webhook_receiver import HANG, receiving

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]
POSTS, SLOW, SLOTS = 20, 4, 4


@contextmanager
def dripping_host() -> Iterator[tuple[str, list[bytes]]]:
    """Serve files at a byte per half second; yield the base URL and the list of requests."""
    requests: list[bytes] = []
    closing = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            requests.append(self.request.recv(1 << 16))
            self.request.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: 100000\r\n\r\n")
            while not closing.wait(0.5):
                self.request.sendall(b"x")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", requests
        closing.set()
        server.shutdown()


def test_hanging_receivers_and_media_hosts_delay_neither_posts_nor_other_receivers(
    processes: ProcessGroup, make_scheduled, make_waiting, sandbox, facebook, organization
):
    """Twice as many calls hang at the same time as the publishing worker has slots."""
    with ExitStack() as stack:
        url, requests = stack.enter_context(dripping_host())
        responsive, *hanging = (stack.enter_context(receiving()) for _ in range(SLOW + 1))
        for receiver in hanging:
            receiver.answers = [HANG] * 1000
        kinds = ["APPROVED", "PUBLISHED"]
        for receiver in (responsive, *hanging):
            webhooks.add(actors.WORKER, organization=organization, url=receiver.url, kinds=kinds)
        processes.worker("--pool", "threads", concurrency=SLOTS, beat=True, DYNAMO_SWEEP_INTERVAL="1")
        processes.media_worker(concurrency=2 * SLOW + 2)
        for number in range(SLOW):
            post = make_waiting(channels=[facebook])
            unread = {"media": f"{url}/{number}.jpg", "media_file": None, "media_checked_at": None}
            ScheduledPost.objects.filter(pk=post.pk).update(**unread)
            app.send_task("scheduling.inspect_media", args=[str(post.pk), post.version])
        make_scheduled(channels=[facebook])  # due in an hour: its approval is sent to the receivers
        eventually(lambda: len(requests) == SLOW, what="every slow media URL is requested")
        eventually(lambda: all(receiver.calls for receiver in hanging), what="every receiver is called")
        soon = timedelta(seconds=10)
        ids = [make_scheduled(channels=[facebook], scheduled_for=clock.now() + soon).pk for _ in range(POSTS)]
        published = ScheduledPost.objects.filter(pk__in=ids, status="PUBLISHED")
        eventually(lambda: published.count() == POSTS, what="all published")
        lateness = Max(F("published_at") - F("post__scheduled_for"))
        assert Delivery.objects.filter(post__in=ids).aggregate(late=lateness)["late"] < timedelta(seconds=60)
        sent = NotificationDelivery.objects.filter(means="WEBHOOK", state="SENT")
        eventually(
            lambda: sent.filter(webhook__url=responsive.url).count() == 2 * POSTS + 1, what="the other is called"
        )
        assert not sent.exclude(webhook__url=responsive.url).exists()
