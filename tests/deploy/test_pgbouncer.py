"""The application behind PgBouncer in transaction mode: each transaction may run on another server connection."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import requests
from django.db import connection

from accounts import clock
from accounts.models import ApiKey, Organization, User
from posts.models import Channel
from scheduling.lifecycle import Status
from scheduling.models import ScheduledPost
from tests.deploy.services import PgBouncer
from tests.helpers import SignedClient, approve, as_reviewer, fresh, stamp
from tests.services.processes import ProcessGroup, eventually
from tests.services.sandbox import SandboxControl

DRAFTS = 40
pytestmark = pytest.mark.processes


@pytest.fixture
def pooler(transactional_db: None) -> Iterator[PgBouncer]:
    if connection.vendor != "postgresql":
        pytest.skip("PgBouncer needs PostgreSQL: make test-deploy starts it")
    with PgBouncer() as started:
        yield started


def test_drafts_in_parallel_are_listed_and_published_behind_pgbouncer(
    pooler: PgBouncer,
    processes: ProcessGroup,
    key: ApiKey,
    reviewer: User,
    organization: Organization,
    facebook: Channel,
    sandbox: SandboxControl,
) -> None:
    web, url = processes.web(DATABASE_URL=pooler.url, DYNAMO_WEB_WORKERS="2")
    worker = processes.worker("--pool", "threads", concurrency=4, beat=True, DATABASE_URL=pooler.url)
    background = processes.media_worker(DATABASE_URL=pooler.url)
    signed = SignedClient(key).signature
    fields: dict[str, Any] = {"status": "WAITING_FOR_APPROVAL", "scheduledFor": stamp(clock.now() + timedelta(hours=1))}

    def create(number: int) -> requests.Response:
        caption = f"Post {number}"
        body = {**fields, "media": sandbox.media(version=number), "mediaType": "IMAGE"}
        body["channels"] = {facebook.public_id: {"mediumType": facebook.type, "caption": caption}}
        created = requests.post(f"{url}/v1/scheduled-posts", json=body, headers=signed(), timeout=300)
        assert created.status_code == 201, created.text
        return requests.get(f"{url}/v1/scheduled-posts/{created.json()['id']}", headers=signed(), timeout=300)

    with ThreadPoolExecutor(DRAFTS) as pool:
        answers = list(pool.map(create, range(DRAFTS)))

    assert [answer.status_code for answer in answers] == [200] * DRAFTS
    captions = [answer.json()["mediumsData"][facebook.public_id]["caption"] for answer in answers]
    assert captions == [f"Post {number}" for number in range(DRAFTS)]
    listed = requests.get(f"{url}/v1/scheduled-posts?limit=100", headers=signed(), timeout=300)
    assert {row["id"] for row in listed.json()} == {answer.json()["id"] for answer in answers}
    posts = list(ScheduledPost.objects.filter(pk__in=[answer.json()["id"] for answer in answers[:5]]))
    eventually(
        lambda: not ScheduledPost.objects.filter(media_file=None, pk__in=[post.pk for post in posts]).exists(),
        what="the inspection of the media",
    )
    for post in posts:
        approve(as_reviewer(reviewer, organization), fresh(post), scheduled_for=clock.now() + timedelta(seconds=10))
    eventually(lambda: all(fresh(post).status == Status.PUBLISHED for post in posts), what="the posts")
    assert len(sandbox.posts) == len(posts)
    assert pooler.pool_modes() == {"transaction"}
    for process in (web, worker, background):
        assert "Traceback" not in process.output()
