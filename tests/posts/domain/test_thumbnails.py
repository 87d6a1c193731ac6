"""Small copies of the images of published posts."""

import io
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from PIL import Image

from accounts import clock
from posts.domain import media_store, thumbnails
from posts.models import Channel, MediaFile, PublishedPost
from tests.helpers import log_in
from tests.services.sandbox import SandboxControl

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = str(tmp_path / "files")


def published(channel: Channel, **columns: Any) -> PublishedPost:
    given = {"platform_id": f"1_{PublishedPost.objects.count()}", "published_at": clock.now(), **columns}
    return PublishedPost.objects.create(organization=channel.organization, channel=channel, **given)


def test_copies_are_small_and_made_once(facebook: Channel, sandbox: SandboxControl, viewer: Any, outsider: Any) -> None:
    post = published(facebook, media_url=sandbox.media("sea.jpg"), media_type="IMAGE")
    assert [thumbnails.copy_missing() for _ in range(2)] == [1, 0]
    post.refresh_from_db()
    with post.thumbnail.open() as file:
        assert (Image.open(file).format, max(Image.open(file).size)) == ("JPEG", 400)
    url = f"/admin/media/published/{post.pk}/"
    pages = [client.get(url) for client in (log_in(viewer), log_in(outsider), Client())]
    assert [page.status_code for page in pages] == [200, 404, 404]
    assert b"".join(pages[0].streaming_content).startswith(b"\xff\xd8")
    listed = log_in(viewer).get("/admin/posts/publishedpost/").content.decode()
    assert (url in listed, sandbox.url in listed) == (True, False)


def test_what_has_no_image_is_left_alone(facebook: Channel, sandbox: SandboxControl) -> None:
    published(facebook)
    published(facebook, media_url=sandbox.media("film.mp4"), media_type="VIDEO")
    published(facebook, media_url=sandbox.media("old.jpg"), published_at=clock.now() - timedelta(days=91))
    failed = published(facebook, media_url=f"{sandbox.url}/nothing")
    before = len(sandbox.call("GET", "/__requests")["requests"])
    assert [thumbnails.copy_missing() for _ in range(2)] == [0, 0]
    assert len(sandbox.call("GET", "/__requests")["requests"]) == before + 1
    failed.refresh_from_db()
    assert (failed.thumbnail.name, failed.thumbnail_tried_at is not None) == ("", True)


def stored_picture(channel: Channel) -> MediaFile:
    file = io.BytesIO()
    Image.new("RGB", (800, 600), "red").save(file, "PNG")
    return media_store.store(channel.organization, file)


def test_own_post_gets_its_thumbnail_from_the_stored_copy(facebook: Channel, sandbox: SandboxControl) -> None:
    own = {"media_sha256": stored_picture(facebook).sha256, "scheduled_post_id": uuid4(), "media_type": "IMAGE"}
    elsewhere = published(facebook, media_url=sandbox.media("sea.jpg"), **own)
    uploaded = published(facebook, media_url=media_store.stable_url(MediaFile.objects.get()), **own)
    before = len(sandbox.call("GET", "/__requests")["requests"])
    assert [thumbnails.copy_missing() for _ in range(2)] == [2, 0]
    assert len(sandbox.call("GET", "/__requests")["requests"]) == before
    for post in (elsewhere, uploaded):
        post.refresh_from_db()
        with post.thumbnail.open() as file, Image.open(file) as image:
            red, green, blue = image.convert("RGB").getpixel((200, 150))
            assert image.size == (400, 300)
            assert red > 200
            assert max(green, blue) < 50


def test_own_video_gets_its_poster(facebook: Channel, sandbox: SandboxControl) -> None:
    video = media_store.fetch_and_store(facebook.organization, sandbox.media("film.mp4"))
    post = published(facebook, media_sha256=video.sha256, scheduled_post_id=uuid4(), media_type="VIDEO")
    assert thumbnails.copy_missing() == 1
    post.refresh_from_db()
    assert post.thumbnail.name


def test_own_post_whose_copy_is_lost_fetches_nothing(facebook: Channel, sandbox: SandboxControl) -> None:
    kept = stored_picture(facebook)
    default_storage.delete(str(kept.file.name))
    default_storage.delete(str(kept.poster.name))
    ours = {"media_url": sandbox.media("sea.jpg"), "scheduled_post_id": uuid4()}
    published(facebook, media_sha256=kept.sha256, **ours)
    published(facebook, media_sha256="0" * 64, **ours)
    published(facebook, **ours)  # a link post: what is behind the link is the author's
    before = len(sandbox.call("GET", "/__requests")["requests"])
    assert thumbnails.copy_missing() == 0
    assert len(sandbox.call("GET", "/__requests")["requests"]) == before


def test_copies_are_deleted_after_ninety_days(facebook: Channel, sandbox: SandboxControl) -> None:
    post = published(facebook, thumbnail_url=sandbox.media("sea.jpg"), media_type="VIDEO")
    thumbnails.copy_missing()
    name = PublishedPost.objects.get().thumbnail.name
    assert thumbnails.delete_old() == 0
    PublishedPost.objects.update(thumbnail_tried_at=clock.now() - timedelta(days=91))
    assert thumbnails.delete_old() == 1
    post.refresh_from_db()
    assert (post.thumbnail.name, default_storage.exists(name)) == ("", False)


def test_copy_that_the_storage_cannot_delete_is_deleted_by_a_later_run(facebook: Channel) -> None:
    """A folder with a file in it stands in place of one of the copies."""
    tried = clock.now() - timedelta(days=91)
    for name in ("thumbnails/broken.jpg/content", "thumbnails/second.jpg"):
        default_storage.save(name, io.BytesIO(b"a"))
    names = "thumbnails/broken.jpg", "thumbnails/second.jpg"
    first, second = (published(facebook, thumbnail=name, thumbnail_tried_at=tried) for name in names)
    assert thumbnails.delete_old() == 1
    assert list(PublishedPost.objects.exclude(thumbnail="")) == [first]
    assert not default_storage.exists(str(second.thumbnail.name))
    default_storage.delete("thumbnails/broken.jpg/content")
    assert thumbnails.delete_old() == 1
