"""Published posts in the admin: list, page, insights, comments and CSV."""

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import clock
from accounts.models import Membership, Role, User
from posts.models import Channel, ChannelSync, PublishedPost
from tests.helpers import AdminClient
from tests.posts.conftest import LivePost
from tests.services.sandbox import SandboxControl

LIVE, CHANNELS = "/admin/posts/publishedpost/", "/admin/posts/channel/"
ROW = re.compile(rf"^{LIVE}(\d+)/$")


def fill(channel: Channel, count: int, **columns: Any) -> None:
    """Make posts at few times, so that most of them tie."""
    now = clock.now()
    PublishedPost.objects.bulk_create(
        PublishedPost(
            organization_id=channel.organization_id,
            channel=channel,
            platform_id=f"{channel.pk}_{number}",
            published_at=now - timedelta(minutes=number // 7),
            **columns,
        )
        for number in range(count)
    )


def shown(desk: AdminClient) -> list[int]:
    return [int(found[1]) for link in desk.page.links if (found := ROW.match(link))]


def walk(desk: AdminClient, url: str, between: Callable[[], Any] = lambda: None) -> list[int]:
    """Follow `Older` to the end."""
    seen = shown(desk.open(url))
    while older := next((link for link in desk.page.links if "before=" in link), ""):
        between()
        seen += shown(desk.open(LIVE + older))
    return seen


def test_list_pages_neither_repeat_nor_skip_during_changes(
    viewer: User, facebook: Channel, instagram: Channel, other_facebook: Channel
) -> None:
    for channel in (facebook, instagram, other_facebook):
        fill(channel, 60)
    gone = PublishedPost.objects.filter(channel=facebook).first()
    PublishedPost.objects.filter(pk=gone.pk).update(deleted_at=clock.now())  # type: ignore[union-attr]
    mine = PublishedPost.objects.filter(organization=facebook.organization, deleted_at=None)
    expected = list(mine.order_by("-published_at", "-pk").values_list("pk", flat=True))

    def between() -> None:
        PublishedPost.objects.create(
            organization=facebook.organization, channel=facebook, platform_id=str(clock.now()), published_at=clock.now()
        )

    assert walk(AdminClient(viewer), LIVE, between) == expected
    in_one = list(mine.filter(channel=instagram).order_by("-published_at", "-pk").values_list("pk", flat=True))
    assert walk(AdminClient(viewer), f"{LIVE}?channel={instagram.pk}") == in_one


def test_list_of_two_organizations_is_merged(viewer: User, facebook: Channel, other_facebook: Channel) -> None:
    for channel in (facebook, other_facebook):
        fill(channel, 30)
    Membership.objects.create(organization=other_facebook.organization, user=viewer, role=Role.VIEWER)
    rows = PublishedPost.objects.order_by("-published_at", "-pk").values_list("pk", flat=True)
    assert walk(AdminClient(viewer), LIVE) == list(rows)


def test_list_queries_do_not_grow_and_count_nothing(viewer: User, facebook: Channel) -> None:
    desk, taken = AdminClient(viewer).open(LIVE), []
    for count in (1, 120):
        PublishedPost.objects.all().delete()
        fill(facebook, count)
        with CaptureQueriesContext(connection) as captured:
            desk.open(LIVE)
        statements = [query["sql"] for query in captured.captured_queries]
        taken.append([sql for sql in statements if "posts_publishedpost" in sql])
    assert [len(item) for item in taken] == [1, 1]
    assert "COUNT(" not in str(taken).upper()
    with CaptureQueriesContext(connection) as captured:
        desk.open(LIVE)
    assert len(captured) <= 10


@pytest.mark.parametrize("before", ["x", "~", "2026-01-01T00:00:00~1", "2026-01-01T00:00:00+00:00~" + "9" * 30, "%00"])
def test_list_malformed_position_shows_the_first_page(viewer: User, facebook: Channel, before: str) -> None:
    fill(facebook, 3)
    assert len(shown(AdminClient(viewer).open(f"{LIVE}?before={before.replace('+', '%2B')}"))) == 3


def test_list_row_shows_counters_superpower_and_link(viewer: User, facebook: Channel) -> None:
    at = int((clock.now() - timedelta(days=1)).timestamp() * 1000)
    power = {"name": "Greeter", "hashtag": "hi", "expirationDate": at}
    fill(
        facebook, 1, caption="Olá", likes=12_345, comments=None, shares=0, superpower=power,
        permalink="https://www.facebook.com/1/posts/2",
    )  # fmt: skip
    desk = AdminClient(viewer).open(f"{LIVE}?q=ol")
    assert "likes 12,345 comments \N{EN DASH} shares 0" in desk.text
    assert "Greeter #hi expired" in desk.text
    assert "https://www.facebook.com/1/posts/2" in desk.page.links
    [number] = shown(desk)
    assert "Expired on " in desk.open(f"{LIVE}{number}/").text
    assert shown(desk.open(f"{LIVE}?q=nothing")) == []


def test_page_shows_reactions_insights_and_comments(viewer: User, page_post: LivePost) -> None:
    PublishedPost.objects.update(reactions={"like": 7, "love": 2_000, "sad": 0})
    page_post.insights(values={"post_media_view": 4321, "post_clicks_by_type": {"other clicks": 5, "link clicks": 3}})
    page_post.comments(items=[{"text": "<b>Que lindo</b>", "author": {"id": "69", "name": "Maria"}}])
    url = f"{LIVE}{page_post.row.pk}/"
    desk = AdminClient(viewer).open(url)
    assert "Love 2,000 Like 7 Sad 0" in desk.text
    assert "reactions" not in desk.text
    PublishedPost.objects.update(reactions_total=2_009)
    assert "reactions 2,009" in desk.open(url).text
    assert {f"{url}insights/", f"{url}comments/", f"{url}comments.csv"} <= set(desk.page.links)
    for part in ("", "?part=1"):
        insights = desk.open(f"{url}insights/{part}").text
        assert "4,321" in insights
        assert "Link clicks 3" in insights
        comments = desk.open(f"{url}comments/{part}").text
        assert "Maria" in comments
        assert "<b>Que lindo</b>" in comments  # text, no tag


@pytest.mark.parametrize("part", ["insights/", "comments/", "comments.csv"])
def test_page_platform_failure_is_shown_in_its_part(
    viewer: User, live_post: LivePost, sandbox: SandboxControl, part: str
) -> None:
    url = f"{LIVE}{live_post.row.pk}/"
    sandbox.fault("GET .*(comments|insights)", "expired_token", times=None)
    desk = AdminClient(viewer).open(url)
    assert desk.answer.status_code == 200
    failed = desk.open(url + part)
    assert failed.answer.status_code == 502
    assert "a person has to connect the channel again" in failed.text
    assert live_post.channel.token not in failed.answer.content.decode()


def test_comments_csv_is_for_members_only(viewer: User, outsider: User, live_post: LivePost) -> None:
    live_post.comments(items=[{"text": "=1+1"}, {"text": "Olá"}])
    url = f"{LIVE}{live_post.row.pk}/comments.csv"
    answer = AdminClient(viewer).client.get(url)
    rows = list(csv.reader(io.StringIO(answer.getvalue().decode("utf-8-sig"), newline="")))
    assert sorted(row[5] for row in rows[1:]) == ["'=1+1", "Olá"]
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert AdminClient(outsider).open(url).answer.status_code == 404
    assert AdminClient(outsider).open(f"{url.removesuffix('.csv')}/").answer.status_code == 404


def test_channel_list_shows_sync_progress(viewer: User, outsider: User, facebook: Channel) -> None:
    state = ChannelSync.objects.create(channel=facebook, depth="all", read_count=1200, created_count=1100, total=5000)
    desk = AdminClient(viewer).open(CHANNELS)
    assert "Syncing: 1,200 of about 5,000 posts, 1,100 new" in desk.text
    ChannelSync.objects.filter(pk=state.pk).update(
        depth="", finished_at=clock.now(), last_error="The platform is slow.", excluded_fields=["reactions_by_type"]
    )
    desk.open(f"{CHANNELS}{facebook.pk}/reading/")
    assert "Synced now: 1,200 posts, 1,100 new" in desk.text
    assert "The platform is slow." in desk.text
    assert "Not read, because the platform refuses it: reactions_by_type" in desk.text
    assert AdminClient(outsider).open(f"{CHANNELS}{facebook.pk}/reading/").answer.status_code == 404
