"""The media store: one copy per organization, served to its members and by signed links, deleted when unused."""

import io
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.files.storage import default_storage
from django.test import Client
from PIL import Image

from accounts import clock
from accounts.models import Organization
from posts.domain import media_store
from posts.graph.media import MediaUnavailable, NotMedia, UnusableMedia
from posts.models import MediaFile
from scheduling.domain import retention
from tests.helpers import log_in
from tests.posts.graph.raw import answer, serving
from tests.services.sandbox import SandboxControl

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = str(tmp_path / "files")
    settings.MEDIA_ALLOW_LOOPBACK = True


def png(colour: str = "red", size: tuple[int, int] = (40, 30)) -> io.BytesIO:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file


def files() -> list[Path]:
    root = Path(default_storage.path("media"))
    return sorted(path for path in root.rglob("*") if path.is_file()) if root.exists() else []


def test_same_source_is_stored_once(organization: Organization, other_organization: Organization) -> None:
    first = media_store.store(organization, png())
    assert media_store.store(organization, png()).pk == first.pk
    assert media_store.store(other_organization, png()).pk != first.pk
    assert len(files()) == 2
    assert first.file.name == f"media/{organization.pk}/{first.sha256}.jpg"
    assert (first.kind, first.width, first.height) == ("IMAGE", 40, 30)
    assert (first.changes, first.source_sha256 == first.sha256) == (["Converted from PNG to JPEG."], False)


def test_two_sources_of_the_same_copy_share_it(organization: Organization) -> None:
    stored = media_store.store(organization, png())
    with media_store.open_stored(stored) as file:
        plain = file.read()
    again = media_store.store(organization, io.BytesIO(plain + b"appended"))
    assert (again.pk, again.changes) == (stored.pk, ["Removed metadata."])
    assert len(files()) == 1
    stored.refresh_from_db()  # the address of the file names no source
    assert stored.changes == ["Converted from PNG to JPEG.", "Removed metadata."]


def test_lost_bytes_are_stored_again_under_the_same_row(organization: Organization) -> None:
    stored = media_store.store(organization, png())
    default_storage.delete(stored.file.name)
    again = media_store.store(organization, png())
    assert (again.pk, default_storage.exists(again.file.name)) == (stored.pk, True)


def test_files_are_private_to_the_account_of_the_server(organization: Organization) -> None:
    path = Path(media_store.store(organization, png()).file.path)
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)


def test_fetch_and_store_keeps_a_video_with_its_poster(organization: Organization, sandbox: SandboxControl) -> None:
    stored = media_store.fetch_and_store(organization, sandbox.media("film.mp4"))
    assert (stored.kind, stored.width, stored.height, stored.seconds) == ("VIDEO", 360, 640, 4.0)
    with stored.poster.open() as file:
        assert Image.open(file).size == (360, 640)


def test_inspect_describes_a_page_and_stores_its_image(organization: Organization) -> None:
    page = b"""<html><head><title>Plain</title><meta property="og:title" content=" Menu &amp; more ">
    <meta property="og:image" content="/picture"></head><body>"""
    with serving(answer(b"", "302 Found", "Location: /menu?key=1"), answer(page), answer(png().getvalue())) as server:
        seen = media_store.inspect(organization, f"{server.url}/m")
    assert (seen.media_file, seen.title, seen.final_url) == (None, "Menu & more", f"{server.url}/menu")
    assert seen.image is not None
    assert seen.image.width == 40


@pytest.mark.parametrize(
    "page", [b"<title>" + b"x" * 600_000, b"\xff\xfe<title>a", b"<!doctype <<<[[", b"<meta property>"]
)
def test_inspect_broken_page_raises_nothing(organization: Organization, page: bytes) -> None:
    with serving(answer(page, "200 OK", "Content-Type: text/html")) as server:
        assert media_store.inspect(organization, server.url).media_file is None


TITLE = "<title>Promo\u00e7\u00e3o</title>"


@pytest.mark.parametrize(
    ("content_type", "page"),
    [
        ("text/html; charset=iso-8859-1", TITLE.encode("latin1")),
        ('text/html; charset="Windows-1252"', TITLE.encode("cp1252")),
        ("text/html", b"<meta charset='iso-8859-15'>" + TITLE.encode("iso-8859-15")),
        ("text/html", b'<meta http-equiv=a content="text/html; charset=latin1">' + TITLE.encode()),
        ("application/octet-stream", b"\xef\xbb\xbf\n<!-- a --><!DOCTYPE html>" + TITLE.encode()),
        ("text/html; charset=punycode", TITLE.encode()),
        ("text/html", TITLE.encode("utf-16")),
        ("text/html", TITLE.replace("o\u00e7", "o\0\u00e7").encode()),
    ],
)
def test_title_of_a_page_is_read_in_its_character_set(
    organization: Organization, make_draft: Any, content_type: str, page: bytes
) -> None:
    with serving(answer(page, "200 OK", f"Content-Type: {content_type}")) as server:
        seen = media_store.inspect(organization, server.url)
    assert seen.title == "Promo\u00e7\u00e3o"
    make_draft(media_metadata={"link": {"title": seen.title}})


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"html": "<html>"}'),
        ("text/plain", b"Welcome"),
        ("text/html", b"ID3\x03" + bytes(40)),
        ("application/octet-stream", b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(40)),
        ("video/mp2t", (b"\x47" + bytes(187)) * 4),
        ("image/webp", b"RIFF\0\1\0\0WEBPVP8 "),
    ],
)
def test_inspect_content_that_is_neither_page_nor_media_is_unusable_m7(
    organization: Organization, content_type: str, body: bytes
) -> None:
    with serving(answer(body, "200 OK", f"Content-Type: {content_type}")) as server, pytest.raises(UnusableMedia):
        media_store.inspect(organization, server.url)


def test_fetch_and_store_of_a_page_is_refused(organization: Organization) -> None:
    with serving(answer(b"<html>login</html>")) as server, pytest.raises(NotMedia):
        media_store.fetch_and_store(organization, server.url)
    with pytest.raises(MediaUnavailable):
        media_store.store(organization, io.BytesIO(b"\xff\xd8\xff\xe0"))
    assert files() == []


def test_delete_orphans_keeps_used_and_young_files(organization: Organization, make_draft: Any) -> None:
    used, linked, young, old = (
        media_store.store(organization, png(colour)) for colour in ("red", "blue", "lime", "tan")
    )
    make_draft(media_file=used, media_sha256=used.sha256)
    make_draft(link_image=linked)
    eight_days_ago = clock.now() - timedelta(days=8)
    MediaFile.objects.exclude(pk=young.pk).update(used_at=eight_days_ago)
    assert media_store.delete_orphans() == 1
    assert set(MediaFile.objects.values_list("pk", flat=True)) == {used.pk, linked.pk, young.pk}
    assert default_storage.exists(old.file.name) is False
    assert len(files()) == 3


def test_file_that_the_storage_cannot_delete_leaves_the_others_deleted_and_is_late(organization: Organization) -> None:
    """A folder with a file in it stands in place of one of the files."""
    broken, *_ = (media_store.store(organization, png(colour)) for colour in ("red", "blue", "tan"))
    MediaFile.objects.update(used_at=clock.now() - timedelta(days=9))
    MediaFile.objects.filter(pk=broken.pk).update(used_at=clock.now() - timedelta(days=10))
    path = Path(broken.file.path)
    path.unlink()
    (path / "content").mkdir(parents=True)
    assert media_store.delete_orphans() == 2
    assert MediaFile.objects.get() == broken
    assert retention.overdue() == pytest.approx(2 * 86_400, abs=60)
    (path / "content").rmdir()
    assert media_store.delete_orphans() == 1
    assert retention.overdue() == 0.0


# Who gets it


@pytest.fixture
def stored(organization: Organization) -> MediaFile:
    return media_store.store(organization, png())


def status_of(path: str) -> int:
    """Return the status for a browser without a session."""
    response = Client().get(path)
    response.close()
    return int(response.status_code)


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def test_members_get_the_stored_copy_and_others_404(stored: MediaFile, viewer: Any, outsider: Any) -> None:
    url = media_store.admin_url(stored)
    response = log_in(viewer).get(url)
    assert (response.status_code, response["Content-Type"]) == (200, "image/jpeg")
    assert (response["X-Content-Type-Options"], "private" in response["Cache-Control"]) == ("nosniff", True)
    with media_store.open_stored(stored) as file:
        assert body(response) == file.read()
    assert [client.get(url).status_code for client in (log_in(outsider), Client())] == [404, 404]
    assert log_in(viewer).post(url).status_code == 405
    assert body(log_in(viewer).get(f"{url}poster/")) != b""


@pytest.mark.parametrize(
    ("header", "status", "part"),
    [
        ("bytes=0-9", 206, slice(0, 10)),
        ("bytes=5-", 206, slice(5, None)),
        ("bytes=5-99999999", 206, slice(5, None)),
        ("bytes=99999999-", 416, slice(0, 0)),
        ("bytes=9-5", 200, slice(None)),
        ("bytes=-5", 200, slice(None)),
        ("bytes=0-1,4-5", 200, slice(None)),
        ("lines=0-1", 200, slice(None)),
    ],
)
def test_range_returns_that_part(stored: MediaFile, viewer: Any, header: str, status: int, part: slice) -> None:
    with media_store.open_stored(stored) as file:
        data = file.read()
    response = log_in(viewer).get(media_store.admin_url(stored), headers={"Range": header})
    assert (response.status_code, body(response)) == (status, data[part])
    if status == 206:
        assert response["Content-Range"].startswith(f"bytes {part.start}-")


def test_signed_link_opens_without_a_session_and_expires(
    stored: MediaFile, settings: Any, django_assert_num_queries: Any
) -> None:
    url = media_store.public_url(stored)
    assert url.startswith(f"{settings.PUBLIC_URL}/media/")
    path = url.removeprefix(settings.PUBLIC_URL)
    with django_assert_num_queries(0):
        response = Client().get(path)
    assert body(response) != b""
    assert (response.status_code, response["Content-Type"], response.cookies) == (200, "image/jpeg", {})
    with time_machine.travel(clock.now() + timedelta(hours=25)):
        assert status_of(path) == 200
    with time_machine.travel(clock.now() + timedelta(hours=27)):
        assert status_of(path) == 404


def test_changed_link_is_404(stored: MediaFile, settings: Any) -> None:
    path = media_store.public_url(stored).removeprefix(settings.PUBLIC_URL)
    signed, _, name = path.removeprefix("/media/").partition("/")
    swapped = signed[:-1] + ("B" if signed.endswith("A") else "A")
    secret = media_store.SIGNER.sign_object("../secrets/dynamo_secret_key")
    others = [
        f"/media/{swapped}/{name}", f"/media/{signed}/other.jpg", f"/media/x/{name}", "/media/~~/a.jpg",
        f"/media/{signed}/{name}%00", f"/media/{media_store.SIGNER.sign_object(['a'])}/a", f"/media/{'~' * 3000}/a",
        f"/media/{secret}/dynamo_secret_key",
    ]  # fmt: skip
    assert {status_of(other) for other in others} <= {400, 404}
