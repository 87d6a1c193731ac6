"""The media store in an S3-compatible bucket: moto's server, spoken to over HTTP like any other."""

import io
import urllib.request
from typing import Any

import pytest
from django.core.files.storage import default_storage
from PIL import Image

from accounts.models import Organization
from posts.domain import media_store
from posts.models import MediaFile
from scheduling.domain import public_address
from tests.helpers import log_in

pytestmark = pytest.mark.django_db


def keys(client: Any) -> list[str]:
    return [item["Key"] for item in client.list_objects_v2(Bucket="media").get("Contents", [])]


def png() -> io.BytesIO:
    file = io.BytesIO()
    Image.new("RGB", (900, 30), "red").save(file, "PNG")
    return file


def test_media_is_stored_shown_and_deleted_in_a_bucket(bucket: Any, organization: Organization, viewer: Any) -> None:
    stored = media_store.store(organization, png())
    assert media_store.store(organization, png()).pk == stored.pk
    folder = f"media/{organization.pk}/{stored.sha256}"
    assert keys(bucket) == [f"{folder}.jpg", f"{folder}.poster.jpg"]
    with media_store.open_stored(stored) as file:
        data = file.read()
    response = log_in(viewer).get(media_store.admin_url(stored), headers={"Range": "bytes=2-9"})
    assert (response.status_code, b"".join(response.streaming_content)) == (206, data[2:10])
    MediaFile.objects.update(used_at="2020-01-01T00:00:00Z")
    assert (media_store.delete_orphans(), keys(bucket)) == (1, [])


def test_platforms_get_the_address_that_the_bucket_signs(
    bucket: Any, organization: Organization, settings: Any
) -> None:
    settings.PUBLIC_URL = "http://unreachable.local"
    stored = media_store.store(organization, png())
    url = media_store.public_url(stored)
    assert "X-Amz-Signature=" in url or "Signature=" in url
    assert "secret" not in url
    with urllib.request.urlopen(url, timeout=10) as response, media_store.open_stored(stored) as file:
        assert response.read() == file.read()
    assert public_address.check_public_url() == ""


def test_missing_object_is_stored_again(bucket: Any, organization: Organization) -> None:
    stored = media_store.store(organization, png())
    default_storage.delete(stored.file.name)
    again = media_store.store(organization, png())
    assert (again.pk, default_storage.exists(again.file.name)) == (stored.pk, True)
