"""The product's Celery application with three more tasks, which are what its publishing is compared with."""

import threading

import redis
import requests
from celery import shared_task
from django.conf import settings
from django.db import connection

from accounts import clock
from dynamo.celery import app

__all__ = ["app"]
ANSWERS = "bench:answers"
_here = threading.local()


@shared_task(name="bench.round_trip")
def round_trip() -> None:
    """A message in, an answer out, and nothing else."""
    if not hasattr(_here, "redis"):
        _here.redis = redis.Redis.from_url(settings.REDIS_URL)
    _here.redis.rpush(ANSWERS, clock.now().timestamp())


@shared_task(name="bench.post_and_update")
def post_and_update(post_id: str, account: str, token: str) -> None:
    """The least that publishes: one POST, one UPDATE. Keeps its connections; forgets everything when it is killed."""
    from scheduling.models import ScheduledPost

    if not hasattr(_here, "session"):
        _here.session = requests.Session()
        _here.session.trust_env = False
    send(_here.session, account, token, f"Bare {post_id}")
    ScheduledPost.objects.filter(pk=post_id).update(updated_at=clock.now())


@shared_task(name="bench.post_and_update_anew")
def post_and_update_anew(post_id: str, account: str, token: str) -> None:
    """The same as Celery runs it without a word from us: with a connection to the database for each task."""
    connection.close()
    post_and_update(post_id, account, token)
    connection.close()


def send(session: requests.Session, account: str, token: str, message: str) -> None:
    """POST a text to a Page at the sandbox. Raises when that did not work."""
    session.post(
        f"{settings.GRAPH_BASE_URL}/{settings.GRAPH_VERSION}/{account}/feed",
        data={"message": message},
        headers={"Authorization": f"Bearer {token}"},
        timeout=20,
    ).raise_for_status()
