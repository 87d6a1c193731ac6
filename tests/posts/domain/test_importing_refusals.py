"""Importing what the platform refuses in part, splits, or lists without a cursor."""

from datetime import timedelta
from typing import Any

import pytest

from accounts import clock
from posts.domain import sync
from posts.domain.sync import Outcome
from posts.graph import feed
from posts.graph.account import Account
from posts.graph.errors import CursorLost
from posts.models import Channel, ChannelSync, PublishedPost
from tests.posts.domain.importing import make, row, rows
from tests.services.sandbox import FACEBOOK, SandboxControl

pytestmark = pytest.mark.django_db
READ, PEOPLE, INSIGHTS = "pages_read_engagement", "pages_read_user_content", "read_insights"
SPLIT = {"like": 4, "love": 2}
ACCOUNT = Account("FB_PAGE", FACEBOOK.id, FACEBOOK.token)


def refuse(sandbox: SandboxControl, code: int, message: str, route: str = "GET .*/published_posts") -> None:
    sandbox.fault(route, "error", code=code, status=400, message=message, localised=True)


@pytest.mark.parametrize(
    ("scopes", "excluded", "known"),
    [
        ([READ, PEOPLE, INSIGHTS], [], (4, SPLIT, 6, 5)),
        ([READ, PEOPLE], ["reactions_by_type"], (None, None, 6, 5)),
        ([READ, INSIGHTS], ["comments", "reactions_total"], (4, SPLIT, None, None)),
        ([READ], ["comments", "reactions_by_type", "reactions_total"], (None, None, None, None)),
    ],
)
@pytest.mark.parametrize("kind", ["photo", "reel"])
def test_sync_drops_only_the_counters_without_permission_p1(
    sandbox: SandboxControl, facebook: Channel, kind: str, scopes: list[str], excluded: list[str], known: Any
) -> None:
    name = make(sandbox, facebook, {"kind": kind, "reactions": {"LIKE": 4, "LOVE": 2}, "comments": 5, "shares": 3})[0]
    sandbox.register(FACEBOOK, scopes=scopes)
    assert sync.sync(facebook).outcome is Outcome.FINISHED
    one = row(name)
    assert (one.likes, one.reactions, one.reactions_total, one.comments, one.shares) == (*known, 3)
    if kind == "photo":
        assert ChannelSync.objects.get().excluded_fields == excluded


@pytest.mark.parametrize("code", [100, 10, 200])
def test_sync_drops_a_refused_split_alone_p1(sandbox: SandboxControl, facebook: Channel, code: int) -> None:
    name = make(sandbox, facebook, {"reactions": {"LIKE": 4, "LOVE": 2}, "comments": 5})[0]
    sandbox.call("POST", "/__insights", {"post": name, "refused": {"post_reactions_by_type_total": code}})
    assert sync.sync(facebook).outcome is Outcome.FINISHED
    one = row(name)
    assert (one.likes, one.reactions, one.reactions_total, one.comments) == (None, None, 6, 5)


def test_sync_counts_every_type_of_reaction_r7(sandbox: SandboxControl, facebook: Channel) -> None:
    given = {"like": 3, "sorry": 1, "anger": 2, "fire": 2, "hundred": 1, "pride": 1, "thankful": 5}
    name, none = (make(sandbox, facebook, {"reactions": {"LIKE": number}})[0] for number in (1, 0))
    sandbox.call("POST", "/__insights", {"post": name, "values": {"post_reactions_by_type_total": given}})
    sync.sync(facebook)
    expected = {"like": 3, "sad": 1, "angry": 2, "fire": 2, "hundred": 1, "pride": 1, "thankful": 5}
    assert (row(name).reactions, row(name).likes) == (expected, 3)
    assert (row(none).reactions, row(none).likes) == ({}, 0)


def test_sync_without_data_of_the_split_is_null_p1(sandbox: SandboxControl, facebook: Channel) -> None:
    name = make(sandbox, facebook, {"reactions": {"LIKE": 3}})[0]
    sandbox.call("POST", "/__insights", {"post": name, "empty": True})
    sync.sync(facebook)
    assert (row(name).likes, row(name).reactions, row(name).reactions_total) == (None, None, 3)


@pytest.mark.parametrize(
    ("code", "message", "excluded"),
    [
        (12, "(#12) full_picture field is deprecated for versions v27 and higher", ["full_picture"]),
        (12, "(#12) shares is deprecated for versions v27.0 and higher", ["shares"]),
        (100, "(#100) Tried accessing nonexisting field (is_expired) on node type (Post)", ["is_expired"]),
        (
            100,
            "(#100) Tried accessing nonexisting field (subattachments) on node type (StoryAttachment)",
            ["attachments"],
        ),
    ],
)
def test_sync_drops_the_field_that_the_message_names_r7_r13(
    sandbox: SandboxControl, facebook: Channel, code: int, message: str, excluded: list[str]
) -> None:
    """The text for users is localised: only `message` names the field."""
    make(sandbox, facebook, {"kind": "photo"})
    refuse(sandbox, code, message)
    assert sync.sync(facebook).outcome is Outcome.FINISHED
    assert ChannelSync.objects.get().excluded_fields == excluded


def test_sync_reads_the_text_when_the_refused_field_is_not_named_r7(sandbox: SandboxControl, facebook: Channel) -> None:
    name = make(sandbox, facebook, {"message": "Bom dia"})[0]
    sandbox.fault(
        "GET .*/published_posts", "error", times=4, code=12, status=400,
        message="(#12) deprecate_post_aggregated_fields_for_attachement is deprecated for versions v3.3 and higher",
    )  # fmt: skip
    assert sync.sync(facebook).outcome is Outcome.FINISHED
    assert (row(name).caption, row(name).likes) == ("Bom dia", None)


@pytest.mark.parametrize(
    ("attachment", "expected"),
    [
        ({"type": "new_album"}, "CAROUSEL"),
        ({"type": "cover_photo"}, "IMAGE"),
        ({"type": "profile_media"}, "IMAGE"),
        ({"type": "profile_media", "media": {"source": "https://video.example/1.mp4"}}, "VIDEO"),
        ({"type": "video_direct_response"}, "VIDEO"),
        ({"type": "share"}, "TEXT"),
        ({"type": "video_share_youtube"}, "TEXT"),
        ({"media_type": "native_templates", "type": "photo"}, "IMAGE"),
        ({"media_type": "album", "type": "new_album"}, "CAROUSEL"),
        ({"type": ["photo"]}, "TEXT"),
    ],
)
def test_media_type_without_media_type_follows_the_type_r7(attachment: dict[str, Any], expected: str) -> None:
    node = {"id": "1_2", "created_time": "2026-11-01T10:00:00+0000", "attachments": {"data": [attachment]}}
    post = feed.facebook_post(ACCOUNT, node, (), lambda: None)
    assert post is not None
    assert post.values["media_type"] == expected


def test_sync_next_without_cursors_has_not_ended_r6_p7(sandbox: SandboxControl, facebook: Channel, hours: Any) -> None:
    make(sandbox, facebook, count=250, kinds=["photo"])
    sandbox.fault("GET .*/published_posts", "no_cursors", times=1)
    report = sync.sync(facebook)
    assert (report.outcome, "without its cursor" in report.message) == (Outcome.FAILED, True)
    state = ChannelSync.objects.get()
    assert (len(rows(facebook)), state.complete_at, state.phase) == (100, None, "published_posts")
    sandbox.fault("GET .*/published_posts", "no_cursors", times=None)
    hours.shift(timedelta(minutes=1))
    assert sync.sync(facebook).outcome is Outcome.FAILED
    assert not PublishedPost.objects.exclude(missing_since=None, deleted_at=None).exists()
    sandbox.heal()
    assert sync.sync(facebook).outcome is Outcome.FINISHED
    assert (len(rows(facebook)), ChannelSync.objects.get().complete_at is None) == (250, False)


def test_recent_posts_without_cursors_are_not_all_r6(sandbox: SandboxControl, facebook: Channel) -> None:
    make(sandbox, facebook, *({"published_at": clock.now().timestamp() - at} for at in range(60)))
    since = clock.now() - timedelta(hours=1)
    recent = {"fields": "created_time", "since": since, "stamp": "created_time"}
    assert len(list(feed.iter_recent(ACCOUNT, "published_posts", **recent))) == 60
    sandbox.fault("GET .*/published_posts", "no_cursors", times=None)
    with pytest.raises(CursorLost):
        list(feed.iter_recent(ACCOUNT, "published_posts", **recent))
