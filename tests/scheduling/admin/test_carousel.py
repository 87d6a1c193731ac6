"""A post of several media in the admin: composed in the form, shown in order, compared item by item."""

import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from accounts.domain import actors
from accounts.models import ApiKey, User
from posts.domain import media_store
from posts.models import Channel, MediaFile
from scheduling.domain import drafts
from scheduling.domain.drafts import Medium
from scheduling.domain.media_inspection import inspect_media
from scheduling.models import ScheduledPost
from tests.helpers import POSTS, AdminClient, fresh
from tests.services.sandbox import SandboxControl

pytestmark = pytest.mark.django_db
URLS = [f"https://media.example.com/{name}.jpg" for name in "abc"]


def media(post: ScheduledPost) -> list[tuple[str, str]]:
    return [(item.media, item.alt_text) for item in fresh(post).items]


@pytest.fixture
def items(sandbox: SandboxControl) -> list[Medium]:
    return [Medium(sandbox.media(f"{name}.jpg"), "IMAGE", f"Picture {name}\non two lines") for name in "abc"]


def test_form_adds_reorders_and_removes_items(author: User, facebook: Channel) -> None:
    site = AdminClient(author).open(f"{POSTS}add/")
    site.press(
        **{
            f"on-{facebook.public_id}": "on",
            "media_url": URLS[0],
            "alt_text": "First\r\npicture",
            "media_url-2": URLS[1],
            "media_url-5": URLS[2],
            "alt_text-5": "Third",
            "is_ai_generated": "on",
        }
    )
    post = ScheduledPost.objects.get()
    assert media(post) == [(URLS[0], "First\npicture"), (URLS[1], ""), (URLS[2], "Third")]
    assert (post.media, post.is_ai_generated, post.alt_text) == (URLS[0], True, "")

    site.open(f"{POSTS}{post.pk}/change/").press()
    assert fresh(post).version == 1  # an untouched form changes nothing
    site.open(f"{POSTS}{post.pk}/change/").press(**{"position-3": "1", "position-1": "3"})
    assert media(post) == [(URLS[2], "Third"), (URLS[1], ""), (URLS[0], "First\npicture")]
    site.open(f"{POSTS}{post.pk}/change/").press(**{"remove-1": "on"})
    assert media(post) == [(URLS[1], ""), (URLS[0], "First\npicture")]
    site.open(f"{POSTS}{post.pk}/change/").press(media_url="")
    assert (media(post), fresh(post).media, fresh(post).alt_text) == ([], URLS[0], "First\npicture")


def test_form_takes_files_as_items(author: User, facebook: Channel) -> None:
    def file(colour: str) -> SimpleUploadedFile:
        data = io.BytesIO()
        Image.new("RGB", (800, 800), colour).save(data, "PNG")
        return SimpleUploadedFile("dish.png", data.getvalue())

    files: dict[str, Any] = {"upload": file("red"), "upload-2": file("blue")}
    AdminClient(author).open(f"{POSTS}add/").press(**{f"on-{facebook.public_id}": "on"}, **files)
    stored = MediaFile.objects.order_by("created_at")
    assert [url for url, _ in media(ScheduledPost.objects.get())] == [media_store.stable_url(row) for row in stored]


def test_wrong_item_is_marked_at_its_field(author: User, facebook: Channel) -> None:
    site = AdminClient(author).open(f"{POSTS}add/")
    fields = {"media_url": URLS[0], "media_url-2": "ftp://example.com/b.jpg", "position-2": "1", "position-1": "2"}
    site.press(**{f"on-{facebook.public_id}": "on", f"caption-{facebook.public_id}": "Olá", "submit": "1"}, **fields)
    assert ScheduledPost.objects.count() == 0
    html = site.answer.content.decode()
    assert 'id="id_media_url-2_error"' in html
    assert 'id="id_media_url_error"' not in html
    assert site.form().fields["media_url-2"] == "ftp://example.com/b.jpg"


def test_review_page_and_bulk_page_show_each_item_in_order(
    make_waiting: Any, reviewer: User, items: list[Medium], facebook: Channel
) -> None:
    post = make_waiting(media_items=items, channels=[facebook], is_ai_generated=True)
    site = AdminClient(reviewer)
    for url in (f"{POSTS}{post.pk}/review/", f"{POSTS}approve/?post={post.pk}"):
        html = site.open(url).answer.content.decode()
        shown = [html.index(f'src="{media_store.admin_url(item.media_file)}"') for item in fresh(post).items]
        texts = [html.index(f"</strong> Picture {name}") for name in "abc"]
        assert sorted([*shown, *texts]) == [place for pair in zip(shown, texts, strict=True) for place in pair]
        assert "2 of 3" in site.text
        assert "Marked as made with AI; Facebook shows no label" in site.text


def test_stale_page_shows_the_items_that_changed(
    make_waiting: Any, reviewer: User, items: list[Medium], key: ApiKey, sandbox: SandboxControl
) -> None:
    post = make_waiting(media_items=items)
    site = AdminClient(reviewer).review(post)
    changed = [items[1], Medium(items[0].url, "IMAGE", "Another text"), Medium(sandbox.media("d.jpg"), "IMAGE")]
    edited = drafts.edit(actors.api_key_actor(key), fresh(post), changes={"media_items": changed})
    inspect_media(str(edited.pk), edited.version)
    site.press("approve")
    html = site.answer.content.decode()
    assert fresh(post).status == "WAITING_FOR_APPROVAL"
    for path in ("0.mediaSha256", "0.altText", "1.media", "1.altText", "2.mediaSha256"):
        assert f'data-path="mediaItems.{path}"' in html
    assert "Alternative text of item 2" in site.text
    site.press("approve")
    assert fresh(post).status == "SCHEDULED"


def test_added_item_is_shown_as_added(make_waiting: Any, reviewer: User, items: list[Medium], key: ApiKey) -> None:
    post = make_waiting(media_items=items[:2])
    site = AdminClient(reviewer).review(post)
    edited = drafts.edit(actors.api_key_actor(key), fresh(post), changes={"media_items": items})
    inspect_media(str(edited.pk), edited.version)
    site.press("approve")
    html = site.answer.content.decode()
    assert 'data-path="mediaItems.2"' in html
    assert items[2].url in html
