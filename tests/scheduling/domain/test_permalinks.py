"""Reading permalinks leaves rate limits to publishing."""

from typing import Any

import pytest

from accounts import clock
from posts.graph import rate_limits
from scheduling.domain import permalinks
from scheduling.domain.publishing import payload
from scheduling.models import Delivery
from tests.scheduling.domain.conftest import send

pytestmark = pytest.mark.django_db


def used(delivery: Delivery, percent: int) -> None:
    rate_limits.record_usage(payload.delivery_account(delivery), {"X-App-Usage": f'{{"call_count": {percent}}}'})


@pytest.fixture
def live(make_enqueued: Any, travel: Any, facebook: Any, sandbox: Any) -> list[Delivery]:
    """Two posts on one channel that were just published, without permalinks."""
    posts = [make_enqueued(channels=[facebook]) for _ in range(2)]
    sandbox.settings(duplicate_check=False)
    travel(posts[1])
    assert [send(post) for post in posts] == ["published", "published"]
    return list(Delivery.objects.select_related("channel"))


@pytest.mark.parametrize(("percent", "read"), [(0, 2), (74, 2), (75, 1), (89, 1), (90, 0), (100, 0)])
def test_permalinks_are_read_slowly_from_75_and_not_from_90_percent_usage(
    live: list[Delivery], percent: int, read: int
) -> None:
    used(live[0], percent)
    assert permalinks.fetch_missing() == read
    assert Delivery.objects.exclude(permalink="").count() == read


def test_skipped_permalink_is_read_later(live: list[Delivery], travel) -> None:
    used(live[0], 95)
    assert permalinks.fetch_missing() == 0
    used(live[0], 10)
    Delivery.objects.update(retry_at=clock.now())
    assert permalinks.fetch_missing() == 2


def test_permalinks_of_a_rate_limited_account_are_not_read(live: list[Delivery]) -> None:
    rate_limits.block(payload.delivery_account(live[0]), 300)
    assert rate_limits.background_pace(payload.delivery_account(live[0])) is rate_limits.Pace.STOP
    assert permalinks.fetch_missing() == 0
