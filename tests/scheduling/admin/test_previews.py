"""The review page: previews, checks, note, changes and history, all of them escaped."""

import re
from datetime import timedelta

import pytest

from accounts import clock
from accounts.domain import actors
from accounts.models import User
from posts.domain import media_store
from posts.models import Channel
from scheduling.admin.previews import split_at_fold
from scheduling.domain import drafts, media_inspection
from scheduling.domain.drafts import ChannelText
from scheduling.models import Approval, ChannelCheck, ScheduledPost
from tests.helpers import POSTS, AdminClient, fresh
from tests.shown_text import compact, shown_text

ARABIC = "مساء الخير من كاسا دو سول " * 12
EVIL = "<script>alert(1)</script>\u202eevil https://x.example/?a=<b>"


@pytest.mark.parametrize(
    ("caption", "folded"),
    [
        ("Short", ""),
        ("x" * 125, ""),
        ("one two three " * 10, "one two three"),
        ("x" * 126, "x"),
        ("a\nb\nc", ""),
        ("a\nb\nc\nd", "d"),
        ("a\nb\nc\n\n  d", "d"),
        ("a\n\n\n\n", ""),
        ("", ""),
    ],
)
def test_caption_is_split_between_words_or_after_three_lines(caption: str, folded: str) -> None:
    shown, rest = split_at_fold(caption, 125)
    assert (shown + rest, rest.rstrip()) == (caption, folded)


def on(channel: Channel, caption: str) -> dict[str, ChannelText]:
    return {channel.public_id: ChannelText(channel.type, caption)}


def page(user: User, post: ScheduledPost) -> str:
    return str(AdminClient(user).review(post).answer.content.decode())


@pytest.mark.parametrize("kind", ["POST", "REEL"])
def test_long_caption_is_shown_whole_with_the_fold_marked_a6(
    make_draft, reviewer: User, facebook: Channel, instagram: Channel, sandbox, kind: str
) -> None:
    caption = f"{ARABIC}{chr(10) * 201}the end"
    channels = {**on(facebook, caption), **on(instagram, caption)}
    media = {"media": sandbox.media("film.mp4"), "media_type": "VIDEO"}
    html = page(reviewer, make_draft(channels=channels, type=kind, **media))
    html = html.partition('class="side"')[0]
    assert "<details" not in html
    assert html.count('<span class="fold-mark">The feed folds here: “See more”</span>') == 1
    assert html.count('<span class="fold-mark">The feed folds here: “more”</span>') == 1
    assert html.count('<span class="hidden-lines">200 empty lines</span>the end') == 2
    assert html.count("202 lines, 200 of them empty.") == 2
    assert shown_text(html).count(compact(caption)) == 2


@pytest.mark.parametrize(("kind", "frame"), [("POST", "feed"), ("REEL", "reel"), ("STORY", "story")])
def test_preview_frame_depends_on_post_type(
    make_draft, author: User, instagram: Channel, sandbox, kind: str, frame: str
) -> None:
    media = {"media": sandbox.media("film.mp4"), "media_type": "VIDEO"}
    post = make_draft(channels=on(instagram, "Olá"), type=kind, **media)
    media_inspection.inspect_media(str(post.pk), post.version)
    html = page(author, post)
    assert f"preview-instagram frame-{frame}" in html
    assert "<video" in html
    assert ("Not shown in a story:" in html) is (kind == "STORY")


def test_author_text_is_escaped(make_waiting, reviewer: User, facebook: Channel, key) -> None:
    post = make_waiting(channels=on(facebook, EVIL), brief=EVIL)
    drafts.edit(actors.api_key_actor(key), post, changes={"brief": EVIL + " again"})
    html = page(reviewer, post)
    assert "<script>alert" not in html
    assert "style=" not in html
    assert 'href="https://x.example' not in html  # links in the note are not clickable


def test_note_keeps_line_breaks_and_is_isolated(make_waiting, reviewer: User) -> None:
    html = page(reviewer, make_waiting(brief="Why: summer\nRisk: none"))
    assert '<div class="pre" dir="auto">Why: summer\nRisk: none</div>' in html
    assert "Note for the reviewer" not in page(reviewer, make_waiting(scheduled_for=clock.now() + timedelta(days=2)))


def test_channel_is_shown_as_the_platform_names_it_a18(make_waiting, reviewer: User, facebook: Channel) -> None:
    post = make_waiting(channels=[facebook])
    text = AdminClient(reviewer).review(post).text
    assert f"Name on Facebook not read yet · ID {facebook.platform_id}" in text

    Channel.objects.filter(pk=facebook.pk).update(name="Casa do Sol TEST")
    checked = ChannelCheck.objects.create(
        channel=facebook, at=clock.now(), platform_name="Casa do Sol", platform_username="casadosol"
    )
    text = AdminClient(reviewer).review(post).text
    assert f"Casa do Sol · @casadosol · ID {facebook.platform_id} Called “ Casa do Sol TEST ” here" in text
    assert "Casa do Sol TEST has another name on the platform: Casa do Sol · @casadosol" in text

    for name in ("casa do sol ", "@casadosol"):
        assert checked.is_named(name)
        Channel.objects.filter(pk=facebook.pk).update(name=name)
        assert "another name on the platform" not in AdminClient(reviewer).review(post).text


def test_media_that_is_not_stored_cannot_be_approved_a3(make_waiting, reviewer: User, sandbox, facebook) -> None:
    post = make_waiting(media=f"{sandbox.url}/media/gone.gif", channels=[facebook])
    site = AdminClient(reviewer).review(post)
    assert "Media not available" in site.text
    assert "could not be fetched and stored" in site.text
    assert not site.offers("approve")


def test_pages_load_our_copy_and_nothing_from_elsewhere_a1_a16(
    make_waiting, make_draft, reviewer: User, sandbox, facebook
) -> None:
    posts = [
        make_waiting(channels=[facebook]),
        make_waiting(channels=[facebook], media=sandbox.media("film.mp4"), media_type="VIDEO"),
        make_waiting(channels=[facebook], media=f"{sandbox.url}/menu", media_type=None),
        make_draft(channels=[facebook], media="https://192.168.1.1/cgi?x=.jpg", media_type=None),
    ]
    urls = [f"{POSTS}{post.pk}/review/" for post in posts] + [POSTS, f"{POSTS}calendar/", "/admin/"]
    for url in urls:
        html = AdminClient(reviewer).open(url).answer.content.decode()
        loaded = re.findall(r'(?:src|poster|srcset|data)="([^"]*)"', html)
        assert [address for address in loaded if not address.startswith(("/admin/media/", "/static/"))] == [], url
    copy = fresh(posts[0]).media_file
    assert copy is not None
    shown = AdminClient(reviewer).review(posts[0])
    assert f'<img src="{media_store.admin_url(copy)}"' in shown.answer.content.decode()
    with media_store.open_stored(copy) as stored:
        assert b"".join(shown.client.get(media_store.admin_url(copy)).streaming_content) == stored.read()


def test_changes_of_the_copy_are_stated_m2_m4_m10_m11(make_waiting, reviewer: User, sandbox, facebook) -> None:
    post = make_waiting(channels=[facebook], media=sandbox.media("plate.png"))
    assert "Converted from PNG to JPEG." in AdminClient(reviewer).review(post).text


def test_approval_stores_the_checks_shown(make_waiting, reviewer: User, sandbox, instagram: Channel) -> None:
    post = make_waiting(media=f"{sandbox.media('small.jpg')}?w=200&h=200", channels=[instagram])
    site = AdminClient(reviewer).review(post)

    site.press("approve")

    stored = {(check["name"], check["level"]) for check in Approval.objects.get().checks}
    assert ("media.width", "warn") in stored
    assert "Checks at approval" in AdminClient(reviewer).review(post).text


def test_recheck_changes_no_row_itself(make_waiting, reviewer: User, viewer: User) -> None:
    post = make_waiting()
    before = ScheduledPost.objects.values().get(pk=post.pk)
    site = AdminClient(reviewer).review(post).press("recheck")
    assert site.answer.url == f"{POSTS}{post.pk}/review/"
    assert ScheduledPost.objects.values().get(pk=post.pk) == before
    assert not AdminClient(viewer).review(post).offers("recheck")
    assert site.client.get(f"{POSTS}{post.pk}/recheck/").status_code == 405


def test_changed_media_are_shown_side_by_side(make_waiting, reviewer: User, sandbox, key) -> None:
    from scheduling.domain import review

    post = make_waiting(media=sandbox.media("old.jpg"))
    AdminClient(reviewer).review(post).press("reject", notes="Another picture, please")
    old = fresh(post).media_file
    drafts.edit(actors.api_key_actor(key), fresh(post), changes={"media": sandbox.media("new.jpg")})
    review.submit(actors.api_key_actor(key), fresh(post))
    media_inspection.inspect_media(str(post.pk), fresh(post).version)
    html, new = page(reviewer, post), fresh(post).media_file
    assert f"<del>{sandbox.media('old.jpg')}</del>" in html
    assert f'<img src="{media_store.admin_url(old)}" alt="" loading="lazy"><figcaption><del>the reviewed file' in html
    assert f'<img src="{media_store.admin_url(new)}" alt="" loading="lazy"><figcaption><ins>the present file' in html


def test_history_names_the_changed_fields(make_waiting, reviewer: User, key, instagram: Channel) -> None:
    post = make_waiting()
    drafts.edit(actors.api_key_actor(key), post, changes={"brief": "Because", "channels": on(instagram, "Other")})
    text = AdminClient(reviewer).review(post).text
    assert "agent API key changed the captions and the note for the reviewer" in text
    assert "Note for the reviewer at that time Because" in text


def test_countdown_is_shown_before_the_scheduled_time_only(make_waiting, reviewer: User) -> None:
    post = make_waiting()
    assert "data-countdown=" in page(reviewer, post)
    ScheduledPost.objects.filter(pk=post.pk).update(scheduled_for=clock.now() - timedelta(minutes=1))
    assert "data-countdown=" not in page(reviewer, post)
