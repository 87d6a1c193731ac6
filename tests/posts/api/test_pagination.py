"""A walk over the pages of GET /posts while posts come and go: nothing is repeated, nothing is skipped."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from posts.models import Channel, PublishedPost
from tests.helpers import SignedClient

DAY = datetime(2026, 7, 1, tzinfo=UTC)
COUNT = 60


def make(channel: Channel, platform_id: str, at: datetime, kind: str = "POST") -> PublishedPost:
    return PublishedPost(
        organization_id=channel.organization_id, channel=channel, platform_id=platform_id, published_at=at, type=kind
    )


@pytest.fixture
def posts(facebook: Channel, instagram: Channel, other_facebook: Channel) -> list[PublishedPost]:
    """Posts of two channels at few times, so that most of them tie; and another organization's among them."""
    dice = Random(3)
    for number in range(COUNT):
        at = DAY + timedelta(milliseconds=dice.randrange(6) // 2, microseconds=dice.randrange(2))
        kind = dice.choice(["POST", "REEL", "STORY"])
        make((facebook, instagram)[number % 2], f"p{number:02}", at, kind).save(force_insert=True)
    make(other_facebook, "theirs", DAY).save(force_insert=True)
    return list(PublishedPost.objects.exclude(platform_id="theirs"))


def pages(api: SignedClient, path: str) -> Iterator[list[str]]:
    """Follow the links; yield each page's ids."""
    while path:
        answer = api.get(path)
        assert answer.status_code == 200, answer.content
        yield [item["id"] for item in answer.json()]
        path = answer.headers.get("Link", "").removeprefix("<http://testserver/v1").removesuffix('>; rel="next"')


def matching(posts: list[PublishedPost], **columns: Any) -> list[str]:
    found = [post for post in posts if all(getattr(post, name) == value for name, value in columns.items())]
    return [
        item.platform_id for item in sorted(found, key=lambda one: (one.published_at, one.platform_id), reverse=True)
    ]


@pytest.mark.parametrize(
    ("filters", "limit"), [("", 1), ("", 13), ("channel", 7), ("type", 7), ("both", 1), ("dates", 13)]
)
def test_pages_neither_repeat_nor_skip_during_changes(
    api: SignedClient, posts: list[PublishedPost], facebook: Channel, instagram: Channel, limit: int, filters: str
) -> None:
    dice = Random(limit)
    query, columns = {
        "": ("", {}),
        "channel": (f"&mediumId={facebook.public_id}", {"channel_id": facebook.pk}),
        "type": ("&type=REEL", {"type": "REEL"}),
        "both": (f"&type=STORY&mediumId={instagram.public_id}", {"type": "STORY", "channel_id": instagram.pk}),
        "dates": ("&startDate=2026-07-01&endDate=2026-07-01T00:00:00.002Z", {}),
    }[filters]
    expected, seen, gone, new = matching(posts, **columns), [], set(), 0
    for page in pages(api, f"/posts?limit={limit}{query}"):
        seen += page
        # One new post before all, one at a place that may lie before or after; and posts deleted, seen or not.
        for at in (DAY + timedelta(days=1), DAY + timedelta(milliseconds=dice.randrange(3))):
            new += 1
            make(dice.choice([facebook, instagram]), f"new{new}", at, dice.choice(["POST", "REEL", "STORY"])).save(
                force_insert=True
            )
        last = page[-1:] if dice.random() < 0.5 else []
        for item in [*last, *dice.sample(expected, 1)]:
            PublishedPost.objects.filter(platform_id=item).delete()
            gone |= {item} - set(seen)
    assert len(seen) == len(set(seen))
    old = [item for item in seen if not item.startswith("new")]
    assert old == [item for item in expected if item not in gone]
    assert len(expected) > 5


@pytest.mark.parametrize(
    ("filters", "most"), [("", 2), ("&type=REEL", 2), ("&mediumId={0}", 3), ("&type=REEL&mediumId={0}", 3)]
)
def test_page_queries_are_constant(
    api: SignedClient,
    posts: list[PublishedPost],
    facebook: Channel,
    django_assert_num_queries: Any,
    filters: str,
    most: int,
) -> None:
    api.get("/posts")
    path, count = f"/posts?limit=3{filters.format(facebook.public_id)}", 0
    while path:
        with django_assert_num_queries(most):  # the key, the channel when one is named, the page
            answer = api.get(path)
        assert answer.status_code == 200
        count += len(answer.json())
        path = answer.headers.get("Link", "").removeprefix("<http://testserver/v1").removesuffix('>; rel="next"')
    assert count > 5
