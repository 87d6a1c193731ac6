"""Full publish validation: what it refuses and what it accepts."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from posts.models import Channel
from scheduling.domain.validation import Violation, find_violations, infer_media_type
from scheduling.models import Delivery, ScheduledPost

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
PAGE = Channel(type="FB_PAGE", public_id="FB_PAGE_1", name="Casa do Sol")
ACCOUNT = Channel(type="INSTAGRAM_ACCOUNT", public_id="INSTAGRAM_ACCOUNT_2", name="casadosol")


@pytest.fixture(autouse=True)
def _now_without_loopback(settings: Any) -> Iterator[None]:
    settings.MEDIA_ALLOW_LOOPBACK = False
    with time_machine.travel(NOW, tick=False):
        yield


def check(*channels: Channel, caption: str = "Olá", at_once: bool = False, **changes: Any) -> list[Violation]:
    """Return the violations of a complete post with `changes`; the last channel has the caption."""
    fields = {
        "type": "POST",
        "media": "https://media.example.com/sunset.jpg",
        "media_type": "IMAGE",
        "scheduled_for": NOW + timedelta(hours=1),
        **changes,
    }
    deliveries = [Delivery(channel=channel, caption="Olá") for channel in channels]
    for delivery in deliveries[-1:]:
        delivery.caption = caption
    return find_violations(ScheduledPost(**fields), deliveries, at_once=at_once)


def codes(violations: list[Violation]) -> list[str]:
    return [item.code for item in violations]


def test_complete_post_is_publishable_on_both_platforms() -> None:
    assert check(PAGE, ACCOUNT) == []


def test_empty_draft_reports_every_violation() -> None:
    violations = check(media=None, media_type=None, scheduled_for=None)
    assert [asdict(item) for item in violations] == [
        {
            "path": ["scheduledFor"],
            "message": "A post needs a scheduled time: scheduledFor",
            "code": "scheduledFor.missing",
        },
        {"path": ["media"], "message": "A post needs a media URL", "code": "media.missing"},
        {"path": ["channels"], "message": "A post needs at least one channel", "code": "channels.empty"},
    ]


@pytest.mark.parametrize(
    ("instant", "at_once", "expected"),
    [
        (NOW - timedelta(seconds=1), False, ["scheduledFor.past"]),
        (NOW, False, ["scheduledFor.past"]),
        (NOW + timedelta(milliseconds=1), False, []),
        (NOW - timedelta(seconds=1), True, []),
        (None, True, ["scheduledFor.missing"]),
    ],
)
def test_scheduled_time_must_be_in_the_future_unless_at_once(
    instant: datetime | None, at_once: bool, expected: list[str]
) -> None:
    assert codes(check(PAGE, scheduled_for=instant, at_once=at_once)) == expected


@pytest.mark.parametrize(
    "media",
    [
        "https://media.example.com/a.jpg",
        "http://media.example.com:8080/a.jpg?size=2#top",
        "HTTPS://MEDIA.EXAMPLE.COM./a.jpg",
        "https://8.8.8.8/a.jpg",
        "https://[2606:4700:4700::1111]/a.jpg",
        "https://bücher.example.com/käse.jpg",
        "https://my_bucket.s3.amazonaws.com/a.jpg",
    ],
)
def test_media_on_a_public_host_is_accepted(media: str) -> None:
    assert check(PAGE, media=media) == []


MALFORMED = [
    "sunset.jpg", "/sunset.jpg", "//media.example.com/sunset.jpg", "ftp://media.example.com/a.jpg",
    "file:///etc/passwd", "javascript:alert(1)", "data:image/png;base64,AAAA", "https://", "https:///a.jpg",
    "https://media.example.com:99999/a.jpg", "https://media.example.com:x/a.jpg", "https://[::1/a.jpg",
    "https://user:secret@media.example.com/a.jpg", "https://media.example.com\\@127.0.0.1/a.jpg",
    "https://media.example.com/a b.jpg", "https://media.example.com/a\nb.jpg", "https://media..example.com/a.jpg",
    "https://-media.example.com/a.jpg", "https://256.256.256.256/a.jpg", "https://media.example.0x7f/a.jpg",
    f"https://{'a' * 64}.example.com/a.jpg",
]  # fmt: skip


@pytest.mark.parametrize("media", MALFORMED)
def test_media_that_is_not_an_absolute_http_url_is_refused(media: str) -> None:
    assert codes(check(PAGE, media=media)) == ["media.url"]


PRIVATE = [
    "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0:80", "224.0.0.1",
    "255.255.255.255", "[fd00::1]", "[fe80::1%25eth0]", "[::]", "[::ffff:10.0.0.1]", "[2002:0a00:0001::]",
    "[64:ff9b::10.0.0.1]", "[fec0::1]", "[3fff::1]", "192.88.99.1", "[::ffff:192.88.99.1]", "[64:ff9b::192.88.99.1]",
    "[2002:c058:6301::]", "[2002:808:808::1]", "[2001:0:808:808::1]", "10.1", "167772161", "0x0a.0.0.1", "012.0.0.1",
    "intranet", "nas.local", "metadata.google.internal", "router.home.arpa.",
]  # fmt: skip
LOOPBACK = [
    "localhost", "LOCALHOST.", "media.localhost", "127.0.0.1:8000", "127.1", "2130706433", "0x7f.1", "0177.0.0.1",
    "\uff11\uff12\uff17.0.0.1", "127。0。0。1", "[::1]", "[::ffff:127.0.0.1]",
]  # fmt: skip


@pytest.mark.parametrize("host", PRIVATE + LOOPBACK)
def test_media_on_a_private_host_is_refused_in_any_notation(host: str) -> None:
    assert codes(check(PAGE, media=f"https://{host}/a.jpg")) == ["media.private"]


@pytest.mark.parametrize("host", PRIVATE + LOOPBACK)
def test_setting_admits_loopback_hosts_only(host: str, settings) -> None:
    settings.MEDIA_ALLOW_LOOPBACK = True
    assert codes(check(PAGE, media=f"https://{host}/a.jpg")) == ([] if host in LOOPBACK else ["media.private"])


@pytest.mark.parametrize("caption", ["", "  \n\t"])
def test_every_channel_needs_a_caption_and_is_named(caption: str) -> None:
    violations = check(PAGE, ACCOUNT, caption=caption)
    assert [asdict(item) for item in violations] == [
        {
            "path": ["channels", "INSTAGRAM_ACCOUNT_2", "caption"],
            "message": "casadosol: a caption is missing",
            "code": "caption.missing",
        }
    ]


@pytest.mark.parametrize(
    ("line", "caption", "message"),
    [
        (PAGE, "👋" * 63_206, None),
        (PAGE, "👋" * 63_207, "Casa do Sol: the caption has 63,207 characters, the limit is 63,206"),
        (ACCOUNT, "👋" * 2_200, None),
        (ACCOUNT, "👋" * 2_201, "casadosol: the caption has 2,201 characters, the limit is 2,200"),
        (ACCOUNT, "#sol " * 30, None),
        (ACCOUNT, "#sol " * 31, "casadosol: the caption has 31 hashtags, the limit is 30"),
        (ACCOUNT, "#são " * 30 + "# alone https://x.pt/menu#rooms", None),
        (ACCOUNT, "@casa.do_sol " * 20 + "info@x.pt", None),
        (ACCOUNT, "@casa.do_sol " * 21, "casadosol: the caption has 21 mentions, the limit is 20"),
        (PAGE, "#sol @casa " * 100, None),
    ],
)
def test_captions_are_counted_as_their_platform_counts(line: Channel, caption: str, message: str | None) -> None:
    assert [item.message for item in check(line, caption=caption)] == ([message] if message else [])


@pytest.mark.parametrize("channel", [PAGE, ACCOUNT], ids=["page", "account"])
@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        *((f"Olá{control}", ["caption.control"]) for control in "\x07\x1b\r\x7f\x85\x9f"),
        *(
            (blank, ["caption.invisible"])
            for blank in ("\u200b", "\u3164", "\u2800", "\ufe0f", " \u200b\n\u3164\u2800\ufe0f")
        ),
        ("\x07", ["caption.invisible", "caption.control"]),
        ("One\r\n\tTwo\nThree", []),
        ("\u202e\u2066visible", []),  # shown as symbols, with a warning
    ],
    ids=ascii,
)
def test_captions_with_controls_or_without_a_visible_character_are_refused_a17(
    channel: Channel, caption: str, expected: list[str]
) -> None:
    assert codes(check(channel, caption=caption)) == expected


def test_superpower_texts_with_controls_or_without_a_visible_character_are_refused_a17() -> None:
    superpower = {"name": "Greeter", "media": "", "conditionGroups": [{"publicReplies": [{"text": "\u200b"}]}]}
    superpower |= {"unknown": ["ok", {"a\x07": "b"}], "note": "line\r\nline"}
    delivery = Delivery(channel=PAGE, caption="Olá", superpower=superpower)
    post = ScheduledPost(
        type="POST", media="https://media.example.com/a.jpg", media_type="IMAGE", scheduled_for=NOW + timedelta(hours=1)
    )
    root = ["channels", PAGE.public_id, "superpower"]
    assert [(item.path, item.code) for item in find_violations(post, [delivery])] == [
        ([*root, "conditionGroups", 0, "publicReplies", 0, "text"], "superpower.invisible"),
        ([*root, "unknown", 1, "a\x07"], "superpower.control"),
    ]
    delivery.superpower = {str(number): "\x07" for number in range(100)}
    assert len(find_violations(post, [delivery])) == 20


def test_facebook_takes_no_stories_and_instagram_does() -> None:
    violations = check(PAGE, ACCOUNT, type="STORY")
    assert [(item.path, item.code) for item in violations] == [(["channels", "FB_PAGE_1"], "type.unsupported")]


@pytest.mark.parametrize(
    ("media", "media_type", "expected"),
    [
        ("https://media.example.com/a.mp4", "VIDEO", []),
        ("https://media.example.com/a.mp4?token=1", None, []),
        ("https://media.example.com/a.jpg", None, ["mediaType.reel"]),
        ("https://media.example.com/a", None, []),  # the inspection decides
        ("https://media.example.com/a.html", None, ["mediaType.reel"]),
        ("https://media.example.com/a.mp4", "IMAGE", ["mediaType.reel"]),
    ],
)
def test_a_reel_needs_a_video(media: str, media_type: str | None, expected: list[str]) -> None:
    assert codes(check(PAGE, type="REEL", media=media, media_type=media_type)) == expected


def test_instagram_must_know_whether_it_is_an_image_or_a_video_and_a_page_may_link() -> None:
    page, unknown = "https://www.example.com/menu.html", "https://www.example.com/photo?w=800"
    violations = check(PAGE, ACCOUNT, media=page, media_type=None)
    assert [(item.path, item.code) for item in violations] == [
        (["channels", "INSTAGRAM_ACCOUNT_2"], "mediaType.missing")
    ]
    assert check(PAGE, ACCOUNT, media=unknown, media_type=None, alt_text="A door") == []
    inspected = {"media_metadata": {"contentType": "text/html"}, "media_checked_at": NOW}
    assert codes(check(ACCOUNT, media=unknown, media_type=None, **inspected)) == ["mediaType.missing"]


@pytest.mark.parametrize("media", [None, "", " "])
def test_text_only_post_to_instagram_names_the_missing_media_i10(media: str | None) -> None:
    violations = check(PAGE, ACCOUNT, media=media, media_type=None)
    assert codes(violations) == ["media.missing", "media.text_only"]
    assert violations[1].message.endswith("media is missing: a text-only post stays a draft")


JPEG = {"contentType": "image/jpeg", "size": 200_000, "width": 1080, "height": 1080}
VIDEO = {"contentType": "video/mp4", "size": 200_000}


@pytest.mark.parametrize(
    ("line", "kind", "facts", "expected"),
    [
        (ACCOUNT, "IMAGE", JPEG, []),
        (ACCOUNT, "IMAGE", {**JPEG, "contentType": "image/png"}, ["media.format"]),
        (ACCOUNT, "IMAGE", {**JPEG, "size": 8 * 1024 * 1024}, []),
        (ACCOUNT, "IMAGE", {**JPEG, "size": 8 * 1024 * 1024 + 1}, ["media.size"]),
        (ACCOUNT, "IMAGE", {**JPEG, "height": 1350}, []),
        (ACCOUNT, "IMAGE", {**JPEG, "height": 1440}, []),
        (ACCOUNT, "IMAGE", {**JPEG, "height": 1460}, ["media.ratio"]),
        (ACCOUNT, "IMAGE", {**JPEG, "height": 566}, []),
        (ACCOUNT, "IMAGE", {**JPEG, "height": 560}, ["media.ratio"]),
        (ACCOUNT, "IMAGE", {**JPEG, "width": None, "height": None}, []),
        (ACCOUNT, "VIDEO", {**VIDEO, "size": 300 * 1024 * 1024}, []),
        (ACCOUNT, "VIDEO", {**VIDEO, "size": 300 * 1024 * 1024 + 1}, ["media.size"]),
        (PAGE, "IMAGE", {**JPEG, "contentType": "image/png"}, []),
        (PAGE, "IMAGE", {**JPEG, "contentType": "image/webp"}, ["media.format"]),
        (PAGE, "IMAGE", {**JPEG, "size": 4 * 1024 * 1024 + 1}, ["media.size"]),
        (PAGE, "IMAGE", {**JPEG, "height": 4000}, []),
        (PAGE, "IMAGE", VIDEO, ["mediaType.contradiction"]),
        (PAGE, "VIDEO", JPEG, ["mediaType.contradiction"]),
        (PAGE, "IMAGE", {"problem": "it answered 404"}, []),
    ],
)
def test_inspected_media_is_compared_with_the_platforms_limits(
    line: Channel, kind: str, facts: dict[str, Any], expected: list[str]
) -> None:
    assert codes(check(line, media_type=kind, media_metadata=facts)) == expected


def test_a_tall_image_is_a_story() -> None:
    assert check(ACCOUNT, type="STORY", media_metadata={**JPEG, "height": 1920}) == []


@pytest.mark.parametrize(
    ("media", "declared", "served", "kind"),
    [
        ("https://example.com/photo?w=800&h=800", None, "image/jpeg", "IMAGE"),
        ("https://example.com/film", None, "video/mp4", "VIDEO"),
        ("https://example.com/a.jpg", None, "video/mp4", "VIDEO"),
        ("https://example.com/a.html", None, "image/jpeg", None),
        ("https://example.com/a.jpg", "VIDEO", "image/jpeg", "VIDEO"),
        ("https://example.com/a", None, "text/html", None),
        ("https://example.com/a.JPEG?x=.mp4", None, "", "IMAGE"),
        ("https://example.com/a.mov#.png", None, None, "VIDEO"),
        ("https://example.com/a", None, "", None),
        ("https://[broken/a.jpg", None, "", None),
        ("https://example.com/a.jpg", "VIDEO", "", "VIDEO"),
        (None, None, "", None),
    ],
)
def test_media_type_is_declared_or_served_or_by_extension_m1(
    media: str | None, declared: str | None, served: str | None, kind: str | None
) -> None:
    assert infer_media_type(media, declared, served) == kind
