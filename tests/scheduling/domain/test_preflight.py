"""Preflight checks: each with a post that passes it and one that does not."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.request import urlopen
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import clock
from accounts.exceptions import Conflict, Invalid
from posts.domain.published_posts import record_published
from posts.models import Channel, ChannelState, PublishedPost
from scheduling.domain import media_inspection, review
from scheduling.domain.content import caption_hash
from scheduling.domain.drafts import ChannelText, Medium
from scheduling.domain.preflight.checks import Check, max_severity, refresh_levels, run_checks
from scheduling.models import ChannelCheck, Delivery, ScheduledPost
from tests.helpers import approve, fresh
from tests.posts.graph.raw import answer, serving
from tests.scheduling.domain.conftest import send


def checks(post: ScheduledPost, zone: ZoneInfo | None = None) -> list[Check]:
    loaded = ScheduledPost.objects.for_wire().get(pk=post.pk)
    return run_checks([loaded], zone)[post.pk]


def stored(post: ScheduledPost) -> str:
    return ScheduledPost.objects.values_list("check_level", flat=True).get(pk=post.pk)


def levels(post: ScheduledPost, name: str) -> dict[str, str]:
    return {check.channel: check.level for check in checks(post) if check.name == name}


def texts(post: ScheduledPost, name: str) -> str:
    return " ".join(check.words for check in checks(post) if check.name == name)


def inspected(post: ScheduledPost) -> ScheduledPost:
    media_inspection.inspect_media(str(post.pk), post.version)
    return ScheduledPost.objects.for_wire().get(pk=post.pk)


def examined(*on: Channel, **columns: Any) -> None:
    for channel in on:
        ChannelCheck.objects.create(channel=channel, **{"at": clock.now(), **columns})


def test_checks_of_a_good_post_are_all_ok(make_waiting, facebook: Channel, instagram: Channel) -> None:
    examined(facebook)
    examined(instagram, quota_used=3, quota_total=50)
    post = inspected(make_waiting(scheduled_for=clock.now() + timedelta(days=2)))
    results = checks(post)
    assert {check.level for check in results} == {"ok"}, results
    assert max_severity(results) == "ok"
    assert texts(post, "media").startswith("Stored here, and published from here: JPEG, ")
    assert "480 by 480 pixels" in texts(post, "media")
    assert "50 of 50 posts are left" in texts(post, "quota")  # what was live today no longer counts in two days


def test_media_before_inspection_is_unknown(make_waiting) -> None:
    assert levels(make_waiting(looked=False), "media") == {"": "unknown"}


def test_media_that_is_not_reachable_stops(make_waiting, sandbox) -> None:
    post = inspected(make_waiting(media=f"{sandbox.url}/media/gone.gif"))
    assert levels(post, "media") == {"": "stop"}
    assert "answered 404" in texts(post, "media")
    assert max_severity(checks(post)) == "stop"


def test_media_after_a_temporary_error_stops_a3(make_waiting) -> None:
    post = make_waiting()
    problem = {"problem": "The server x.example answered 503", "passing": True}
    ScheduledPost.objects.filter(pk=post.pk).update(media_metadata=problem, media_checked_at=clock.now())
    assert levels(post, "media") == {"": "stop"}
    assert "Check it again" in texts(post, "media")


@pytest.mark.parametrize(
    ("facts", "name", "level"),
    [
        ({"contentType": "image/png", "size": 1000}, "media.format", "stop"),
        ({"contentType": "image/jpeg", "size": 9_000_000}, "media.size", "stop"),
        ({"contentType": "image/jpeg", "size": 1000, "width": 1000, "height": 2000}, "media.ratio", "stop"),
        ({"contentType": "image/jpeg", "size": 1000, "width": 200, "height": 200}, "media.width", "warn"),
    ],
)
def test_image_beyond_instagrams_limits_is_reported(
    make_waiting, instagram: Channel, facts: dict[str, Any], name: str, level: str
) -> None:
    post = make_waiting(channels=[instagram])
    ScheduledPost.objects.filter(pk=post.pk).update(media_metadata=facts, media_checked_at=clock.now())
    assert levels(post, name) == {instagram.public_id: level}
    assert levels(post, "media.limits") == {}


@pytest.mark.parametrize(("seconds", "expected"), [(2.0, True), (3.0, False), (900.0, False), (901.0, True)])
def test_reel_duration_outside_the_limits_warns(
    make_waiting, instagram: Channel, sandbox, seconds: float, expected: bool
) -> None:
    media = {"media": sandbox.media("film.mp4"), "media_type": "VIDEO", "type": "REEL"}
    post = make_waiting(channels=[instagram], **media)
    facts = {"contentType": "video/mp4", "size": 7000, "width": 360, "height": 640, "seconds": seconds}
    ScheduledPost.objects.filter(pk=post.pk).update(media_metadata=facts, media_checked_at=clock.now())
    assert (levels(post, "media.seconds") == {instagram.public_id: "warn"}) is expected


def test_tall_image_on_instagram_warns_m5(make_waiting, instagram: Channel, sandbox) -> None:
    post = inspected(make_waiting(channels=[instagram], media=f"{sandbox.media('tall.jpg')}?w=1080&h=1440"))
    assert levels(post, "media.tall") == {instagram.public_id: "warn"}
    assert levels(post, "media.ratio") == {}


@pytest.mark.parametrize(
    ("address", "blocked"),
    [
        ("https://posts.example.com", False),
        ("http://posts.example.com", True),
        ("https://192.168.1.1", True),
        ("https://office.local", True),
        ("https://localhost:8000", True),
        ("", True),
    ],
)
def test_instagram_without_a_public_address_is_blocked(
    make_waiting, facebook: Channel, instagram: Channel, settings, seat, reviewer, address: str, blocked: bool
) -> None:
    post = make_waiting()
    settings.PUBLIC_URL, settings.MEDIA_ALLOW_LOOPBACK = address, False
    assert levels(post, "media.address") == ({instagram.public_id: "stop"} if blocked else {})
    if blocked:
        with pytest.raises(Conflict, match="DYNAMO_PUBLIC_URL"):
            review.ensure_media_is_stored(post, list(post.deliveries.all()))


def test_link_is_described_and_not_covered_a11(make_waiting, facebook: Channel) -> None:
    page = answer(b"<title>Menu</title>")
    with serving(page) as server:
        post = make_waiting(channels=[facebook], media=f"{server.url}/menu", media_type=None)
        post = ScheduledPost.objects.for_wire().get(pk=post.pk)
    assert (post.media_metadata["link"], post.media_file_id) == ({"title": "Menu"}, None)
    assert levels(post, "media") == {"": "ok"}
    assert "does not cover" in texts(post, "media.link")


def test_address_that_ends_like_an_image_and_serves_a_page_is_a_link_m1(
    make_waiting, facebook: Channel, judge, sandbox, travel
) -> None:
    page = answer(b"<title>File:Lisboa.jpg</title>", "200 OK", "Content-Type: text/html")
    with serving(page) as server:
        post = make_waiting(channels=[facebook], media=f"{server.url}/wiki/File:Lisboa.jpg", media_type=None)
    assert (levels(post, "media"), levels(post, "mediaType.contradiction")) == ({"": "warn"}, {})
    assert "ends like an image and serves a web page" in texts(post, "media")
    approve(judge, post)
    travel(post)
    send(fresh(post))
    assert [(item["kind"], item["link"]) for item in sandbox.posts] == [("link", post.media)]


@pytest.mark.parametrize(("is_page", "expected"), [(True, {"": "stop"}), (False, {})])
def test_address_without_a_kind_is_judged_by_what_it_serves_m1(
    make_waiting, instagram: Channel, judge, sandbox, *, is_page: bool, expected: dict[str, str]
) -> None:
    """Submitting is possible before the kind is known."""
    with urlopen(sandbox.media("sunset.jpg")) as file:
        picture = file.read()
    with serving(answer(b"<title>Menu</title>" if is_page else picture)) as server:
        post = make_waiting(channels=[instagram], media=f"{server.url}/photo?w=800", media_type=None)
    assert list(levels(post, "mediaType.missing").values()) == list(expected.values())
    if is_page:
        with pytest.raises(Invalid):
            approve(judge, post)
    else:
        assert approve(judge, post).digest


@pytest.mark.parametrize(
    ("body", "problem"),
    [(b'{"a": 1}', "neither a page, an image nor a video"), (b"\xff\xd8\xff\xe0", "damaged"), (b"%PDF-1.7", "PDF")],
)
def test_address_of_unusable_content_is_no_link_m7(
    make_waiting, facebook: Channel, judge, body: bytes, problem: str
) -> None:
    with serving(answer(body)) as server:
        post = make_waiting(channels=[facebook], media=f"{server.url}/a?id=3", media_type=None)
    assert levels(post, "media") == {"": "stop"}
    assert problem in texts(post, "media")
    with pytest.raises(Conflict, match="could not be fetched and stored"):
        approve(judge, fresh(post))


@pytest.mark.parametrize(
    ("facts", "missing"),
    [({"width": 360, "height": 640}, "length"), ({"seconds": 4.0}, "dimensions"), ({}, "length and dimensions")],
)
def test_video_of_unknown_length_or_size_is_unknown_m9(
    make_waiting, instagram: Channel, sandbox, facts: dict[str, Any], missing: str
) -> None:
    media = {"media": sandbox.media("film.mp4"), "media_type": "VIDEO", "type": "REEL"}
    post = inspected(make_waiting(channels=[instagram], **media))
    facts = {"contentType": "video/mp4", "size": 1000, **facts}
    ScheduledPost.objects.filter(pk=post.pk).update(media_metadata=facts)
    assert levels(post, "media.limits") == {instagram.public_id: "unknown"}
    assert f"the video's {missing}," in texts(post, "media.limits")


def test_inspection_measures_a_video(make_waiting, instagram: Channel, sandbox) -> None:
    media = {"media": sandbox.media("film.mp4"), "media_type": "VIDEO", "type": "REEL"}
    post = inspected(make_waiting(channels=[instagram], **media))
    assert [post.media_metadata[name] for name in ("seconds", "width", "height")] == [4.0, 360, 640]
    assert "360 by 640 pixels, 0:04" in texts(post, "media")


def test_captions_are_counted_by_platform(make_draft, facebook: Channel, instagram: Channel) -> None:
    text = "Olá @rui\n" + "#a " * 31
    post = make_draft(channels={item.public_id: ChannelText(item.type, text) for item in (facebook, instagram)})
    assert levels(post, "caption") == {facebook.public_id: "ok"}
    assert levels(post, "caption.hashtags") == {instagram.public_id: "stop"}
    assert f"{len(text)} characters of 63,206" in texts(post, "caption")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"alt_text": "A terrace\u202e"}, "The alternative text contains characters that are not seen"),
        ({"media_items": [Medium(f"https://m.example/{n}.jpg", "IMAGE", "a\u200bb") for n in (1, 2)]}, "U+200B"),
        ({"media": "https://www.аррӏе.com/", "media_type": None}, "The link mixes scripts that look alike"),  # noqa: RUF001
    ],
)
def test_misleading_characters_beside_the_captions_warn_a17(make_draft, facebook, changes, named: str) -> None:
    post = make_draft(channels=[facebook], **changes)
    assert levels(post, "caption.characters") == {"": "warn"}
    assert named in texts(post, "caption.characters")


def test_story_caption_and_instagram_link_warn(make_draft, instagram: Channel) -> None:
    on = {instagram.public_id: ChannelText(instagram.type, "See https://example.org")}
    assert levels(make_draft(channels=on, type="STORY"), "caption") == {instagram.public_id: "warn"}
    assert levels(make_draft(channels=on), "caption.link") == {instagram.public_id: "warn"}


@pytest.mark.parametrize("state", [ChannelState.NEEDS_RECONNECT, ChannelState.BLOCKED, ChannelState.DISCONNECTED])
def test_channel_that_is_not_connected_stops(make_waiting, facebook: Channel, state: str) -> None:
    post = make_waiting(channels=[facebook])
    Channel.objects.filter(pk=facebook.pk).update(state=state, state_reason="The user changed the password")
    assert levels(post, "channel") == {facebook.public_id: "stop"}
    assert "changed the password" in texts(post, "channel")


def test_missing_permission_warns_until_a_post_is_published(make_waiting, make_draft, facebook: Channel) -> None:
    post, before = make_waiting(channels=[facebook]), make_draft(channels=[facebook])
    Delivery.objects.filter(post=before).update(state="FAILED", error_code="200")
    assert levels(post, "channel.permission") == {facebook.public_id: "warn"}
    after = make_draft(channels=[facebook])
    Delivery.objects.filter(post=after).update(state="PUBLISHED")
    assert levels(post, "channel.permission") == {}


def test_refusal_that_a_person_can_mend_names_the_place_p5(make_waiting, make_draft, facebook: Channel) -> None:
    post, before = make_waiting(channels=[facebook]), make_draft(channels=[facebook])
    Delivery.objects.filter(post=before).update(state="FAILED", error_code="368/1404078")
    assert (levels(post, "channel.cause"), levels(post, "channel.permission")) == ({facebook.public_id: "warn"}, {})
    assert "in the settings of the Page" in texts(post, "channel.cause")


@pytest.mark.parametrize(
    ("caption", "warns"), [("#a #b #c #d #e @a @b @c", False), ("#a #b #c #d #e #f", True), ("@a @b @c @d", True)]
)
def test_more_tags_than_instagram_is_reported_to_take_warn_r12(
    make_waiting, instagram: Channel, facebook: Channel, caption: str, warns: bool
) -> None:
    on = {item.public_id: ChannelText(item.type, caption) for item in (instagram, facebook)}
    post = make_waiting(channels=on)
    assert (levels(post, "caption.tags") == {instagram.public_id: "warn"}) is warns
    assert levels(post, "caption") == {instagram.public_id: "ok", facebook.public_id: "ok"}


@pytest.mark.parametrize(
    ("kind", "size", "seconds", "warns"),
    [
        ("POST", (1080, 1920), 90.0, True),
        ("POST", (1080, 2400), None, True),
        ("POST", (1080, 1920), 91.0, False),
        ("POST", (1080, 1080), 30.0, False),
        ("POST", (1920, 1080), 30.0, False),
        ("REEL", (1080, 1920), 30.0, False),
    ],
)
def test_vertical_video_that_becomes_a_reel_warns_p6(
    make_waiting, facebook: Channel, instagram: Channel, sandbox, kind: str, size: tuple[int, int], seconds, warns: bool
) -> None:
    post = make_waiting(media=sandbox.media("film.mp4"), media_type="VIDEO", type=kind)
    facts = {"contentType": "video/mp4", "size": 7000, "width": size[0], "height": size[1], "seconds": seconds}
    ScheduledPost.objects.filter(pk=post.pk).update(media_metadata=facts, media_checked_at=clock.now())
    assert levels(post, "media.reel") == ({facebook.public_id: "warn"} if warns else {})


def test_reels_of_a_page_are_counted_r12(make_waiting, make_scheduled, facebook: Channel, sandbox) -> None:
    reel = {"channels": [facebook], "media": sandbox.media("film.mp4"), "media_type": "VIDEO", "type": "REEL"}
    due = clock.now() + timedelta(hours=3)
    post = make_waiting(**reel, scheduled_for=due)
    make_scheduled(**reel, scheduled_for=due - timedelta(hours=1))
    make_scheduled(channels=[facebook], scheduled_for=due - timedelta(hours=1))
    for number in range(28):
        record_published(
            channel=facebook, platform_id=str(number), type="REEL", caption=None, media_url=None, media_type="VIDEO",
            permalink=None, published_at=clock.now() - timedelta(minutes=number), superpower=None,
            scheduled_post_id=uuid4(), media_sha256="",
        )  # fmt: skip
    assert levels(post, "quota") == {facebook.public_id: "ok"}
    assert "1 of 30 reels are left" in texts(post, "quota")
    make_scheduled(**reel, scheduled_for=due - timedelta(hours=2))
    assert levels(post, "quota") == {facebook.public_id: "warn"}
    assert "30 reels in 24 hours: 28 published, 2 planned before" in texts(post, "quota")
    assert levels(make_waiting(channels=[facebook]), "quota") == {}


def test_quota_counts_published_and_planned_posts(make_waiting, make_scheduled, instagram: Channel) -> None:
    post = make_waiting(channels=[instagram], scheduled_for=clock.now() + timedelta(hours=3))
    assert levels(post, "quota") == {instagram.public_id: "unknown"}
    examined(instagram, quota_used=48, quota_total=50)
    assert "2 of 50 posts are left" in texts(post, "quota")
    for hours in (1, 2):
        make_scheduled(channels=[instagram], scheduled_for=clock.now() + timedelta(hours=hours))
    make_scheduled(channels=[instagram], scheduled_for=clock.now() + timedelta(hours=4))  # after it
    assert levels(post, "quota") == {instagram.public_id: "warn"}


def test_post_within_minutes_on_the_same_channel_warns(
    make_waiting, make_draft, facebook: Channel, instagram: Channel
) -> None:
    at = clock.now() + timedelta(hours=5)
    post = make_waiting(channels=[facebook, instagram], scheduled_for=at)
    make_waiting(channels=[facebook], scheduled_for=at + timedelta(minutes=9))
    make_waiting(channels=[instagram], scheduled_for=at + timedelta(minutes=11))
    make_draft(channels=[instagram], scheduled_for=at)  # a draft goes nowhere
    assert levels(post, "clash.near") == {facebook.public_id: "warn"}


def test_same_caption_with_other_spacing_warns(make_waiting, facebook: Channel, instagram: Channel) -> None:
    make_waiting(channels={facebook.public_id: ChannelText(facebook.type, "Market  DAY\n")})
    post = make_waiting(
        channels={item.public_id: ChannelText(item.type, "Market day") for item in (facebook, instagram)},
        scheduled_for=clock.now() + timedelta(days=1),
    )
    assert levels(post, "clash.caption") == {facebook.public_id: "warn"}
    assert "waits for approval" in texts(post, "clash.caption")


def test_twin_whose_outcome_is_unknown_may_be_published_a10(make_waiting, facebook: Channel) -> None:
    twin, post, later = (inspected(make_waiting(channels=[facebook])) for _ in range(3))
    Delivery.objects.filter(post=twin).update(state="UNKNOWN")
    ScheduledPost.objects.filter(pk=twin.pk).update(status="FAILED")
    ScheduledPost.objects.filter(pk=later.pk).update(scheduled_for=clock.now() + timedelta(days=9))
    for name in ("clash.caption", "clash.media"):
        assert "may be published" in texts(post, name)


@pytest.mark.parametrize(("days", "expected"), [(29, True), (31, False)])
def test_same_caption_of_an_imported_post_warns_for_a_month(
    make_waiting, facebook: Channel, days: int, expected: bool
) -> None:
    at = clock.now() - timedelta(days=days)
    row = {"organization": facebook.organization, "channel": facebook, "platform_id": "1_2", "published_at": at}
    PublishedPost.objects.create(**row, caption="olá from casa do sol 👋")
    post = make_waiting(channels=[facebook])
    assert (levels(post, "clash.caption") == {facebook.public_id: "warn"}) is expected


def test_same_media_at_another_url_warns(make_waiting, facebook: Channel, sandbox) -> None:
    inspected(make_waiting(channels=[facebook], media=sandbox.media("a.jpg")))
    again = make_waiting(
        channels={facebook.public_id: ChannelText(facebook.type, "Something else")},
        media=sandbox.media("a.jpg") + "?utm=1",
        scheduled_for=clock.now() + timedelta(days=1),
    )
    assert levels(inspected(again), "clash.media") == {facebook.public_id: "warn"}


def test_published_post_without_its_scheduled_post_warns_a10(make_waiting, facebook: Channel) -> None:
    post = make_waiting(channels=[facebook])
    record_published(
        channel=facebook,
        platform_id="1_2",
        caption="olá from casa do sol 👋",
        published_at=clock.now(),
        scheduled_post_id=uuid4(),
        media_sha256=post.media_sha256,
    )
    expected = {facebook.public_id: "warn"}
    assert (levels(post, "clash.caption"), levels(post, "clash.media")) == (expected, expected)
    assert "was published" in texts(post, "clash.caption")


def test_posts_of_another_organization_do_not_conflict(
    make_waiting, facebook: Channel, other_facebook: Channel
) -> None:
    post = make_waiting(channels=[facebook])
    Channel.objects.filter(pk=other_facebook.pk).update(platform_id="1")
    other = ScheduledPost.objects.create(organization=other_facebook.organization, scheduled_for=post.scheduled_for)
    Delivery.objects.create(
        post=other,
        organization=other.organization,
        channel=other_facebook,
        caption="Olá from Casa do Sol 👋",
        caption_hash=caption_hash("Olá from Casa do Sol 👋"),
    )
    assert [check.level for check in checks(post) if check.name.startswith("clash")] == ["ok"]


def test_past_scheduled_time_stops(make_waiting) -> None:
    post = make_waiting()
    ScheduledPost.objects.filter(pk=post.pk).update(scheduled_for=clock.now() - timedelta(minutes=1))
    assert levels(post, "scheduledFor.past") == {"": "stop"}
    assert "choose a new time" in texts(post, "scheduledFor.past")


@pytest.mark.parametrize(("hour", "level"), [(22, "ok"), (23, "warn"), (0, "warn"), (6, "warn"), (7, "ok"), (12, "ok")])
def test_night_hours_depend_on_the_readers_time_zone(make_waiting, hour: int, level: str) -> None:
    kolkata = ZoneInfo("Asia/Kolkata")
    post = make_waiting(scheduled_for=datetime(2100, 6, 1, hour, 30, tzinfo=kolkata).astimezone(UTC))
    names = {check.name: check for check in checks(post, kolkata)}
    (check,) = [check for name, check in names.items() if name.startswith("schedule")]
    assert (check.level, check.name) == (level, "schedule.night" if level == "warn" else "schedule")
    assert f"{hour:02}:30" in check.words
    assert levels(post, "schedule") == {"": "ok"}  # without a reader


def test_level_of_waiting_posts_is_stored_and_refreshed(make_draft, make_waiting, facebook: Channel) -> None:
    examined(facebook)
    draft, post = make_draft(channels=[facebook]), make_waiting(channels=[facebook])
    unseen = make_waiting(channels=[facebook], looked=False, scheduled_for=clock.now() + timedelta(hours=3))
    assert [stored(item) for item in (draft, post, unseen)] == ["", "warn", ""]  # the draft has the same caption
    ScheduledPost.objects.filter(pk=post.pk).update(scheduled_for=clock.now() - timedelta(minutes=1))
    assert (refresh_levels(), stored(post), stored(unseen)) == (1, "warn", "warn")
    cache.clear()
    ScheduledPost.objects.filter(pk=post.pk).update(check_level_at=clock.now() - timedelta(minutes=2))
    assert (refresh_levels(), stored(post), stored(draft)) == (1, "stop", "")


def test_checks_run_a_fixed_number_of_queries(make_waiting) -> None:
    counts = []
    for number in (1, 12):
        for _ in range(number):
            inspected(make_waiting(scheduled_for=clock.now() + timedelta(minutes=7 * number)))
        posts = list(ScheduledPost.objects.for_wire())
        with CaptureQueriesContext(connection) as queries:
            assert len(run_checks(posts, None)) == len(posts)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 11
