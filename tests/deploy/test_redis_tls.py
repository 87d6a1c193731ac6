"""Broker and cache over TLS."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from accounts.models import Organization, User
from posts.models import Channel
from scheduling.lifecycle import Status
from tests.deploy.services import RedisWithTls
from tests.helpers import approve, as_reviewer, fresh
from tests.services.processes import ProcessGroup, eventually
from tests.services.sandbox import SandboxControl

pytestmark = pytest.mark.processes


@pytest.fixture
def redis() -> Iterator[RedisWithTls]:
    with RedisWithTls() as started:
        yield started


def test_post_is_published_with_a_broker_behind_tls(
    redis: RedisWithTls,
    processes: ProcessGroup,
    make_waiting: Callable[..., Any],
    reviewer: User,
    organization: Organization,
    facebook: Channel,
    sandbox: SandboxControl,
) -> None:
    url = f"{redis.url}?ssl_cert_reqs=required&ssl_ca_certs={redis.certificate}"
    worker = processes.worker("--pool", "threads", beat=True, wait=False, REDIS_URL=url)
    worker.until(lambda: "ready." in worker.output())
    post = make_waiting(channels=[facebook])
    approve(as_reviewer(reviewer, organization), post, now=True)
    eventually(lambda: fresh(post).status == Status.PUBLISHED, what="the post")
    assert "Traceback" not in worker.output()
