"""`manage.py seed_posts`: any number of made-up posts, and lists that find their way through them."""

from io import StringIO
from itertools import pairwise
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import ApiKey, Organization
from posts.models import Channel, PublishedPost
from tests.api_client import SignedClient

pytestmark = pytest.mark.embedded


def seed(**options: Any) -> str:
    out = StringIO()
    call_command("seed_posts", stdout=out, **options)
    return out.getvalue()


def test_what_is_missing_is_added_and_said(db: None) -> None:
    assert seed(count=300, channels=4, organization="Big").startswith("Big: 4 channels, added 300 posts in ")
    before = list(PublishedPost.objects.order_by("pk").values())
    assert (
        seed(count=300, channels=4, organization="Big")
        == "Big: 4 channels, nothing to add, there are as many already\n"
    )
    assert seed(count=400, channels=6, organization="Big").startswith("Big: 6 channels, added 100 posts in ")
    assert list(PublishedPost.objects.order_by("pk").values()[:300]) == before
    assert PublishedPost.objects.count() == 400


def test_the_posts_are_such_as_platforms_give(db: None, organization: Organization) -> None:
    seed(count=2000, channels=4, organization=organization.name)
    rows = list(PublishedPost.objects.order_by("-published_at", "-platform_id"))
    assert {one.organization_id for one in rows} == {organization.pk}
    assert {one.type for one in rows} == {"POST", "REEL", "STORY"}
    assert len([one for one in rows if one.superpower is None]) == 1000
    assert {type(one.superpower) for one in rows} == {dict, type(None)}
    assert any(one.caption is None for one in rows)
    ties = [(a, b) for a, b in pairwise(rows) if a.published_at == b.published_at]
    assert len(ties) > 500
    assert any(a.channel_id == b.channel_id for a, b in ties)
    assert (rows[0].published_at - rows[-1].published_at).days > 1000


def test_nobody_asks_the_platform_about_made_up_channels(db: None) -> None:
    seed(count=0, channels=3, organization="Big")
    assert list(Channel.objects.values_list("state", flat=True)) == ["NEEDS_RECONNECT"] * 3


def test_numbers_that_make_no_sense_and_names_that_are_not_one_s_own_are_refused(db: None) -> None:
    for options in ({"count": -1}, {"channels": 0}):
        with pytest.raises(CommandError):
            seed(**options)
    for _ in range(2):
        Organization.objects.create(name="Twin")
    with pytest.raises(CommandError, match="more than one"):
        seed(organization="Twin")
    assert PublishedPost.objects.count() == 0


@pytest.mark.parametrize("kind", ["", "&type=STORY"])
@pytest.mark.parametrize("place", ["", "&mediumId={0}"])
@pytest.mark.parametrize("dates", ["", "&startDate=2020-01-01&endDate=2999-12-31"])
@pytest.mark.parametrize("which", ["first", "next"])
def test_every_list_walks_an_index_in_its_order(
    api: SignedClient, key: ApiKey, kind: str, place: str, dates: str, which: str
) -> None:
    seed(count=600, channels=3, organization=key.organization.name)
    path = f"/posts?limit=5{kind}{place}{dates}".format(Channel.objects.values_list("wire_id", flat=True)[0])
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
        # SQLite enters at the instant when two bounds on it are given, and passes over the ties.
        exact = "ROW(" if postgresql else "platform_id" if not dates else "published_at<?"
        assert exact in entered, plan
