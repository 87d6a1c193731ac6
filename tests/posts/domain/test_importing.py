"""Importing: what is taken, into which columns, and that doing it again changes nothing."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from accounts import clock
from posts.domain import sync
from posts.domain.published_posts import record_published
from posts.domain.sync import Outcome
from posts.graph import rate_limits
from posts.graph.account import Account
from posts.models import Channel, ChannelState, ChannelSync, PublishedPost
from tests.posts.domain.importing import make, row, rows
from tests.services.sandbox import FACEBOOK, INSTAGRAM, SandboxControl

pytestmark = pytest.mark.django_db
DAY = 86_400


def now() -> float:
    return clock.now().timestamp()


def test_sync_imports_only_posts_of_the_page(sandbox: SandboxControl, facebook: Channel) -> None:
    origins = ["page", "ad", "dark", "visitor", "unpublished", "hidden", "expired"]
    made = [make(sandbox, facebook, {"origin": origin, "message": origin})[0] for origin in origins]
    report = sync.sync(facebook)
    assert (report.outcome, report.read, report.added) == (Outcome.FINISHED, 1, 1)
    assert [item[0] for item in rows(facebook)] == made[:1]


def test_sync_skips_instagram_advertisements(sandbox: SandboxControl, instagram: Channel) -> None:
    mine, _ad = (make(sandbox, instagram, {"kind": "photo", "origin": item})[0] for item in ("page", "ad"))
    sync.sync(instagram)
    assert [item[0] for item in rows(instagram)] == [mine]


@pytest.mark.parametrize(
    ("kind", "type_", "media_type", "has_media"),
    [
        ("text", "POST", "TEXT", False),
        ("link", "POST", "TEXT", False),
        ("photo", "POST", "IMAGE", True),
        ("album", "POST", "CAROUSEL", True),
        ("video", "POST", "VIDEO", False),
        ("reel", "REEL", "VIDEO", True),
    ],
)
def test_sync_kinds_of_a_page(
    sandbox: SandboxControl, facebook: Channel, kind: str, type_: str, media_type: str, *, has_media: bool
) -> None:
    name = make(sandbox, facebook, {"kind": kind, "message": "Olá", "published_at": 1_700_000_000})[0]
    sync.sync(facebook)
    one = row(name)
    assert (one.type, one.media_type, one.media_url is not None) == (type_, media_type, has_media)
    assert (one.caption, one.published_at.timestamp()) == ("Olá", 1_700_000_000)
    assert one.permalink is not None
    assert one.permalink.startswith("http")


@pytest.mark.parametrize(
    ("kind", "type_", "media_type", "has_thumbnail"),
    [
        ("photo", "POST", "IMAGE", False),
        ("album", "POST", "CAROUSEL", False),
        ("reel", "REEL", "VIDEO", True),
        ("story", "STORY", "IMAGE", False),
    ],
)
def test_sync_kinds_of_an_instagram_account(
    sandbox: SandboxControl, instagram: Channel, kind: str, type_: str, media_type: str, *, has_thumbnail: bool
) -> None:
    name = make(sandbox, instagram, {"kind": kind, "published_at": now() - 600})[0]
    sync.sync(instagram)
    one = row(name)
    assert (one.type, one.media_type, one.media_url is not None) == (type_, media_type, True)
    assert (one.thumbnail_url is not None) is has_thumbnail


def test_sync_imports_counters_and_reactions(sandbox: SandboxControl, facebook: Channel) -> None:
    counters = {"likes": 7, "shares": 3, "reactions": {"LOVE": 2, "WOW": 1}}
    post, reel = (make(sandbox, facebook, {"kind": kind, **counters})[0] for kind in ("photo", "reel"))
    sandbox.call("POST", "/__comments", {"post": post, "count": 5})
    sync.sync(facebook)
    one, other = row(post), row(reel)
    assert (one.likes, one.comments, one.shares) == (7, 5, 3)
    assert (other.likes, other.comments, other.shares) == (7, 0, 3)
    assert one.reactions == other.reactions == {"like": 7, "love": 2, "wow": 1}
    assert one.reactions_total == other.reactions_total == 10


def test_sync_counter_without_permission_is_null(sandbox: SandboxControl, facebook: Channel) -> None:
    sandbox.register(FACEBOOK, scopes=["pages_read_engagement", "pages_show_list"])
    name = make(sandbox, facebook, {"likes": 7, "shares": 3})[0]
    assert sync.sync(facebook).outcome is Outcome.FINISHED
    one = row(name)
    assert (one.likes, one.comments, one.reactions, one.shares) == (None, None, None, 3)
    assert ChannelSync.objects.get().excluded_fields == ["comments", "reactions_by_type", "reactions_total"]


def test_sync_instagram_reactions_are_null(sandbox: SandboxControl, instagram: Channel) -> None:
    name = make(sandbox, instagram, {"kind": "photo", "likes": 4})[0]
    sync.sync(instagram)
    assert (row(name).likes, row(name).reactions) == (4, None)


def test_sync_again_updates_counters_only(sandbox: SandboxControl, facebook: Channel, hours: Any) -> None:
    make(sandbox, facebook, count=230, seed=3)
    assert sync.sync(facebook).added == 230
    before = rows(facebook)
    hours.shift(timedelta(minutes=1))
    again = sync.sync(facebook, full=True)
    assert (again.read, again.added) == (230, 0)
    assert rows(facebook) == before
    newest = facebook.published_posts.order_by("-published_at").first()
    assert newest is not None
    sandbox.call("POST", "/__metrics", {"post": newest.platform_id, "reactions": {"LIKE": 12_345}})
    hours.shift(timedelta(minutes=1))
    sync.sync(facebook, full=True)
    assert row(newest.platform_id).likes == 12_345


def test_sync_keeps_superpower_and_scheduled_post(sandbox: SandboxControl, facebook: Channel) -> None:
    name = make(sandbox, facebook, {"kind": "video", "message": "from the platform", "likes": 5})[0]
    source, superpower = uuid.uuid4(), {"name": "Greeter"}
    record_published(
        channel=facebook,
        platform_id=name,
        type="POST",
        caption="ours",
        media_url="https://media.example.com/a.mp4",
        media_type="VIDEO",
        permalink=None,
        published_at=clock.now(),
        superpower=superpower,
        scheduled_post_id=source,
    )
    at = row(name).published_at
    sync.sync(facebook)
    one = row(name)
    assert (one.superpower, one.scheduled_post_id) == (superpower, source)
    assert (one.caption, one.likes, one.media_url) == ("from the platform", 5, "https://media.example.com/a.mp4")
    assert one.published_at == at


def test_sync_replaces_characters_that_databases_refuse(sandbox: SandboxControl, facebook: Channel) -> None:
    name = make(sandbox, facebook, {"message": "a\x00b \ud800 c\u202e"})[0]
    sync.sync(facebook)
    assert row(name).caption == "ab ? c\u202e"


def test_sync_interval_depends_on_age(sandbox: SandboxControl, facebook: Channel, hours: Any) -> None:
    fresh, old = (make(sandbox, facebook, {"published_at": now() - at * DAY})[0] for at in (0.1, 20))
    make(sandbox, facebook, *({"published_at": now() - 10 * DAY - item, "message": "between"} for item in range(120)))
    sync.sync(facebook)
    for name in (fresh, old):
        sandbox.call("POST", "/__metrics", {"post": name, "likes": 9})
    hours.shift(timedelta(minutes=6))
    report = sync.sync(facebook)
    assert (row(fresh).likes, row(old).likes) == (9, 0)
    assert report.next_at is not None
    assert timedelta(minutes=4) < report.next_at - clock.now() <= timedelta(minutes=5)
    hours.shift(timedelta(hours=7))
    sync.sync(facebook)
    assert row(old).likes == 9


def test_sync_later_walk_ends_at_its_depth(sandbox: SandboxControl, facebook: Channel, hours: Any) -> None:
    make(sandbox, facebook, count=600, seed=1, days=600, kinds=["photo"])
    sync.sync(facebook)
    calls = len(sandbox.call("GET", "/__requests")["requests"])
    hours.shift(timedelta(hours=7))
    sync.sync(facebook)
    assert len(sandbox.call("GET", "/__requests")["requests"]) - calls <= 8


@pytest.mark.parametrize(
    ("percent", "outcome", "read"), [(74, "finished", 250), (75, "paused", 100), (90, "paused", 0)]
)
def test_sync_pauses_for_the_rate_limit(
    sandbox: SandboxControl, facebook: Channel, percent: int, outcome: str, read: int
) -> None:
    make(sandbox, facebook, count=250, kinds=["photo"])
    rate_limits.record_usage(
        Account("FB_PAGE", FACEBOOK.id, FACEBOOK.token), {"X-App-Usage": f'{{"call_count": {percent}}}'}
    )
    report = sync.sync(facebook)
    assert (report.outcome, report.read) == (outcome, read)
    if outcome == "paused":
        assert report.next_at is not None
        assert report.next_at > clock.now()
        assert report.message


def test_sync_unknown_field_drops_its_group_only(sandbox: SandboxControl, instagram: Channel) -> None:
    name = make(sandbox, instagram, {"kind": "photo", "likes": 4})[0]
    sandbox.fault(
        "GET .*/media",
        "error",
        code=100,
        status=400,
        message="(#100) Tried accessing nonexisting field (shares_count) on node type (IGMedia)",
    )
    assert sync.sync(instagram).outcome is Outcome.FINISHED
    assert (row(name).likes, row(name).shares) == (4, None)
    assert ChannelSync.objects.get().excluded_fields == ["shares_count"]


def test_sync_too_large_page_is_halved(sandbox: SandboxControl, facebook: Channel) -> None:
    make(sandbox, facebook, count=120, kinds=["photo"])
    sandbox.fault("GET .*/published_posts", "error", times=2, code=1, status=500, message="Please reduce the amount")
    assert sync.sync(facebook).read == 120


def test_sync_invalid_token_needs_reconnect(sandbox: SandboxControl, facebook: Channel) -> None:
    sandbox.register(FACEBOOK, expired=True)
    report = sync.sync(facebook)
    facebook.refresh_from_db()
    assert (report.outcome, facebook.state) == (Outcome.FAILED, ChannelState.NEEDS_RECONNECT)
    state = ChannelSync.objects.get()
    assert (state.lease_id, state.failures, bool(state.last_error)) == (None, 1, True)
    assert FACEBOOK.token not in state.last_error


def test_sync_failure_pauses_double(sandbox: SandboxControl, facebook: Channel) -> None:
    sandbox.fault("GET ", "html_502", times=None)
    pauses = []
    with time_machine.travel(clock.now(), tick=False):
        for _ in range(2):
            report = sync.sync(facebook)
            assert report.next_at is not None
            pauses.append(round((report.next_at - clock.now()).total_seconds()))
    assert pauses == [30, 60]
    sandbox.heal()
    assert sync.sync(facebook).outcome is Outcome.FINISHED
    assert ChannelSync.objects.get().failures == 0


def test_sync_expired_story_is_not_deleted(sandbox: SandboxControl, instagram: Channel, hours: Any) -> None:
    name = make(sandbox, instagram, {"kind": "story", "published_at": now() - 600})[0]
    sync.sync(instagram)
    for _ in range(3):
        hours.shift(timedelta(days=8))
        sync.sync(instagram)
    assert (row(name).type, row(name).deleted_at, row(name).missing_since) == ("STORY", None, None)


def test_sync_reads_one_channel(sandbox: SandboxControl, facebook: Channel, instagram: Channel) -> None:
    make(sandbox, facebook, count=5)
    make(sandbox, instagram, count=7)
    sync.sync(facebook)
    assert PublishedPost.objects.count() == 5
    sync.sync(instagram)
    assert (len(rows(facebook)), len(rows(instagram))) == (5, 7)
    assert INSTAGRAM.public_id == instagram.public_id
