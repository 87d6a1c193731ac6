"""Each variant of `GET /posts` walks an index in the order of the list."""

from itertools import product

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import ApiKey
from tests.benchmarks.fake_posts import create_channels, create_posts
from tests.helpers import SignedClient

pytestmark = pytest.mark.embedded
POSTGRESQL = connection.vendor == "postgresql"


def explain(sql: str) -> str:
    with connection.cursor() as cursor:
        if POSTGRESQL:  # so small a table is sorted faster than an index is walked
            for off in ("enable_sort", "enable_incremental_sort", "enable_seqscan", "enable_bitmapscan"):
                cursor.execute(f"SET LOCAL {off} = off")
        # The generic plan is the one that a prepared statement ends up with, whatever its values.
        cursor.execute(f"EXPLAIN {'(GENERIC_PLAN)' if POSTGRESQL else 'QUERY PLAN'} {sql}")
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


def test_list_reads_an_index_in_its_order(api: SignedClient, key: ApiKey) -> None:
    channels = create_channels(key.organization, 3)
    create_posts(channels, 600)
    dates = "&startDate=2020-01-01&endDate=2999-12-31"
    place = f"&mediumId={channels[0].public_id}"
    for kind, where, when, page in product(["", "&type=STORY"], ["", place], ["", dates], ["first", "next"]):
        path = f"/posts?limit=5{kind}{where}{when}"
        if page == "next":
            path = api.get(path).headers["Link"].removeprefix("<http://testserver/v1").removesuffix('>; rel="next"')
        with CaptureQueriesContext(connection) as captured:
            assert len(api.get(path).json()) == 5
        plan = explain(captured.captured_queries[-1]["sql"])
        by_type = f"published_{'channel' if where else 'merged'}_type"
        index = by_type if kind else "published_by_channel" if where else "published_merged"
        assert f"{index} " in plan, (path, plan)
        assert ("Sort" in plan, "TEMP B-TREE" in plan) == (False, False), (path, plan)
        if page == "next":
            condition = "Index Cond" if POSTGRESQL else index
            entered = next(line for line in plan.splitlines() if condition in line and "published_at" in line)
            # SQLite starts at the time and filters the posts of the same time.
            assert ("ROW(" if POSTGRESQL else "published_at<?") in entered, (path, plan)
