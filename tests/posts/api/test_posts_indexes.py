"""Each variant of `GET /posts` walks an index in the order of the list."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import ApiKey
from tests.benchmarks.fake_posts import create_channels, create_posts
from tests.helpers import SignedClient

pytestmark = pytest.mark.embedded


@pytest.mark.parametrize("kind", ["", "&type=STORY"])
@pytest.mark.parametrize("place", ["", "&mediumId={0}"])
@pytest.mark.parametrize("dates", ["", "&startDate=2020-01-01&endDate=2999-12-31"])
@pytest.mark.parametrize("which", ["first", "next"])
def test_list_reads_an_index_in_its_order(
    api: SignedClient, key: ApiKey, kind: str, place: str, dates: str, which: str
) -> None:
    channels = create_channels(key.organization, 3)
    create_posts(channels, 600)
    path = f"/posts?limit=5{kind}{place}{dates}".format(channels[0].public_id)
    if which == "next":
        path = api.get(path).headers["Link"].removeprefix("<http://testserver/v1").removesuffix('>; rel="next"')
    with CaptureQueriesContext(connection) as captured:
        assert len(api.get(path).json()) == 5
    index = (
        f"published_{'channel' if place else 'merged'}_type"
        if kind
        else ("published_by_channel" if place else "published_merged")
    )
    with connection.cursor() as cursor:
        postgresql = connection.vendor == "postgresql"
        if postgresql:  # so small a table is sorted faster than an index is walked
            for off in ("enable_sort", "enable_incremental_sort", "enable_seqscan", "enable_bitmapscan"):
                cursor.execute(f"SET LOCAL {off} = off")
        # The generic plan is the one that a prepared statement ends up with, whatever its values.
        how = "(GENERIC_PLAN)" if postgresql else "QUERY PLAN"
        cursor.execute(f"EXPLAIN {how} {captured.captured_queries[-1]['sql']}")
        plan = "\n".join(str(row[-1]) for row in cursor.fetchall())
    assert f"{index} " in plan, plan
    assert "Sort" not in plan, plan
    assert "TEMP B-TREE" not in plan, plan
    if which == "next":
        entered = next(
            line
            for line in plan.splitlines()
            if ("Index Cond" in line if postgresql else index in line) and "published_at" in line
        )
        # SQLite starts at the time and filters the posts of the same time.
        exact = "ROW(" if postgresql else "published_at<?"
        assert exact in entered, plan
