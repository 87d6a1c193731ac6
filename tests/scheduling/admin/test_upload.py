"""Uploading an image or a video in the form of a post."""

import io
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from accounts.models import Organization, User
from posts.domain import media_store
from posts.graph.media import MediaUnavailable
from posts.models import Channel, MediaFile
from scheduling.domain.media_inspection import inspect_media
from scheduling.domain.publishing import run
from scheduling.models import ScheduledPost
from tests.helpers import POSTS, AdminClient, approve, fresh
from tests.scheduling.domain.conftest import travel  # noqa: F401  a fixture

pytestmark = pytest.mark.django_db
CLIP = Path("dynamo/sandbox/clip.mp4").read_bytes()


def png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (800, 800), "red").save(file, "PNG")
    return file.getvalue()


def upload(author: User, name: str, data: bytes, **typed: object) -> AdminClient:
    site = AdminClient(author).open(f"{POSTS}add/")
    return site.press(upload=SimpleUploadedFile(name, data), **typed)  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "data", "kind"), [("dish.png", png(), "IMAGE"), ("film.mp4", CLIP, "VIDEO")])
def test_chosen_file_becomes_the_posts_media(
    author: User, facebook: Channel, name: str, data: bytes, kind: str
) -> None:
    upload(author, name, data, **{f"on-{facebook.public_id}": "on"})
    post, stored = ScheduledPost.objects.get(), MediaFile.objects.get()
    assert (post.media, post.media_type) == (media_store.stable_url(stored), kind)
    assert inspect_media(str(post.pk), post.version) == stored.sha256
    assert fresh(post).media_file == stored
    page = AdminClient(author).review(post).answer.content.decode()
    assert media_store.admin_url(stored) in page
    assert (
        f'src="/admin/media/{stored.pk}/poster/"'
        in AdminClient(author).open(f"{POSTS}{post.pk}/change/").answer.content.decode()
    )


@pytest.mark.parametrize("data", [b"", b"<html>", b"\xff\xd8\xff\xe0", CLIP[:900], b"%PDF-1.7"])
def test_file_that_is_not_media_is_refused_in_the_form(author: User, data: bytes) -> None:
    site = upload(author, "a.jpg", data)
    assert site.answer.status_code == 200
    assert (ScheduledPost.objects.count(), MediaFile.objects.count()) == (0, 0)


def test_uploaded_file_of_another_organization_is_not_stored_here(
    organization: Organization, other_organization: Organization
) -> None:
    theirs = media_store.store(other_organization, io.BytesIO(png()))
    with pytest.raises(MediaUnavailable, match="not stored here"):
        media_store.inspect(organization, media_store.stable_url(theirs))


def test_uploaded_file_is_published(make_waiting, organization, seat, reviewer, facebook, sandbox, travel) -> None:  # noqa: F811
    stored = media_store.store(organization, io.BytesIO(png()))
    post = make_waiting(channels=[facebook], media=media_store.stable_url(stored))
    approve(seat(reviewer, organization), post)
    post = fresh(post)
    travel(post)
    assert run.publish(str(post.pk), str(post.task_id)) == "published"
    assert [entry["media_sha256"] for entry in sandbox.posts] == [stored.sha256]
