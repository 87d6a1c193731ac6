"""What the review page shows of a post: folds, frames, checks, brief, difference, history. All of it escaped."""

from datetime import timedelta
from typing import Any

import pytest

from accounts import clock
from accounts.domain import actors
from accounts.models import User
from posts.models import Channel
from scheduling.admin.previews import truncate_caption
from scheduling.domain import drafts, media_inspection
from scheduling.domain.drafts import ChannelText
from scheduling.models import Approval, ScheduledPost
from tests.admin_client import POSTS, Desk

ARABIC = "مساء الخير من كاسا دو سول " * 12
EVIL = "<script>alert(1)</script>\u202eevil https://x.example/?a=<b>"


@pytest.mark.parametrize(
    ("caption", "shown"),
    [
        ("Short", ""),
        ("x" * 125, ""),
        ("one two three " * 10, "one two three " * 8 + "one two three"),
        ("x" * 126, "x" * 125),
        ("a\nb\nc", ""),
        ("a\nb\nc\nd", "a\nb\nc"),
        ("a\n\n\n\n", ""),
        ("", ""),
    ],
)
def test_a_caption_is_folded_between_words_after_its_length_or_three_lines(caption: str, shown: str) -> None:
    assert truncate_caption(caption, 125) == shown


def on(channel: Channel, caption: str) -> dict[str, ChannelText]:
    return {channel.public_id: ChannelText(channel.type, caption)}


def page(user: User, post: ScheduledPost) -> str:
    return str(Desk(user).review(post).answer.content.decode())


def test_a_long_caption_is_folded_and_whole_one_click_away(
    make_waiting: Any, reviewer: User, facebook: Channel
) -> None:
    html = page(reviewer, make_waiting(channels=on(facebook, ARABIC)))
    assert '<details class="caption fold"' in html
    assert html.count(ARABIC.strip()) >= 1
    assert "See more" in html
    assert '<div class="whole" dir="auto">' in html


@pytest.mark.parametrize(("kind", "frame"), [("POST", "feed"), ("REEL", "reel"), ("STORY", "story")])
def test_each_type_has_the_frame_of_its_platform(
    make_draft: Any, author: User, instagram: Channel, sandbox: Any, kind: str, frame: str
) -> None:
    media = {"media": sandbox.media("film.mp4"), "media_type": "VIDEO"}
    html = page(author, make_draft(channels=on(instagram, "Olá"), type=kind, **media))
    assert f"preview-instagram frame-{frame}" in html
    assert "<video" in html
    assert ("Not shown in a story:" in html) is (kind == "STORY")


def test_nothing_that_an_author_wrote_is_markup(make_waiting: Any, reviewer: User, facebook: Channel, key: Any) -> None:
    post = make_waiting(channels=on(facebook, EVIL), brief=EVIL)
    drafts.edit(actors.api_key_actor(key), post, changes={"brief": EVIL + " again"})
    html = page(reviewer, post)
    assert "<script>alert" not in html
    assert "style=" not in html
    assert 'href="https://x.example' not in html  # the brief's links are to be read, not to be followed


def test_the_brief_is_shown_with_its_line_breaks_and_isolated(make_waiting: Any, reviewer: User) -> None:
    html = page(reviewer, make_waiting(brief="Why: summer\nRisk: none"))
    assert '<div class="pre" dir="auto">Why: summer\nRisk: none</div>' in html
    assert "Brief" not in page(reviewer, make_waiting(scheduled_for=clock.now() + timedelta(days=2)))


def test_an_approval_keeps_the_checks_that_the_page_showed(
    make_waiting: Any, reviewer: User, sandbox: Any, facebook: Channel
) -> None:
    post = make_waiting(media=f"{sandbox.url}/media/gone.gif", channels=[facebook])
    media_inspection.inspect_media(str(post.pk), post.version)
    desk = Desk(reviewer).review(post)
    assert "The public would see nothing here" in desk.text
    assert "A stranger cannot fetch the media" in desk.text

    desk.press("approve")

    kept = {(check["name"], check["level"]) for check in Approval.objects.get().checks}
    assert ("media", "stop") in kept
    assert "Shown at the approval" in Desk(reviewer).review(post).text


def test_a_second_look_is_asked_for_and_changes_nothing_itself(make_waiting: Any, reviewer: User, viewer: User) -> None:
    post = make_waiting()
    before = ScheduledPost.objects.values().get(pk=post.pk)
    desk = Desk(reviewer).review(post).press("recheck")
    assert desk.answer.url == f"{POSTS}{post.pk}/review/"
    assert ScheduledPost.objects.values().get(pk=post.pk) == before
    assert not Desk(viewer).review(post).offers("recheck")
    assert desk.client.get(f"{POSTS}{post.pk}/recheck/").status_code == 405


def test_other_media_are_shown_side_by_side(make_waiting: Any, reviewer: User, sandbox: Any, key: Any) -> None:
    from scheduling.domain import review

    post = make_waiting(media=sandbox.media("old.jpg"))
    Desk(reviewer).review(post).press("reject", notes="Another picture, please")
    drafts.edit(
        actors.api_key_actor(key), ScheduledPost.objects.get(pk=post.pk), changes={"media": sandbox.media("new.jpg")}
    )
    review.submit(actors.api_key_actor(key), ScheduledPost.objects.get(pk=post.pk))
    html = page(reviewer, post)
    assert f'<img src="{sandbox.media("old.jpg")}" alt="" loading="lazy"></figure>' not in html
    assert f"<del>{sandbox.media('old.jpg')}</del>" in html
    assert f"<ins>{sandbox.media('new.jpg')}</ins>" in html
    assert html.count(f'<img src="{sandbox.media("old.jpg")}"') == 1


def test_the_history_says_what_was_changed(make_waiting: Any, reviewer: User, key: Any, instagram: Channel) -> None:
    post = make_waiting()
    drafts.edit(actors.api_key_actor(key), post, changes={"brief": "Because", "channels": on(instagram, "Other")})
    text = Desk(reviewer).review(post).text
    assert "agent API key changed the text on its channels and the brief" in text
    assert "The brief as it was then Because" in text


def test_the_instant_counts_down_only_while_it_can_be_met(make_waiting: Any, reviewer: User) -> None:
    post = make_waiting()
    assert "data-countdown=" in page(reviewer, post)
    ScheduledPost.objects.filter(pk=post.pk).update(scheduled_for=clock.now() - timedelta(minutes=1))
    assert "data-countdown=" not in page(reviewer, post)
