"""The media store in an S3-compatible bucket: moto's server, spoken to over HTTP like any other."""

import io
import urllib.request
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from django.core.files.storage import default_storage
from django.test import override_settings
from moto.server import ThreadedMotoServer
from PIL import Image

from accounts.models import Organization
from posts.domain import media_store
from posts.models import MediaFile
from scheduling.domain import public_address
from tests.helpers import log_in

pytestmark = pytest.mark.django_db
CREDENTIALS = {"region_name": "eu-west-1", "aws_access_key_id": "key", "aws_secret_access_key": "secret"}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint: str, settings: Any) -> Iterator[Any]:
    """The default storage as the settings make it of S3_BUCKET."""
    client = boto3.client("s3", endpoint_url=endpoint, **CREDENTIALS)
    client.create_bucket(Bucket="media", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    options = {
        "bucket_name": "media",
        "endpoint_url": endpoint,
        "region_name": "eu-west-1",
        "access_key": "key",
        "secret_key": "secret",
        "querystring_expire": settings.MEDIA_LINK_SECONDS,
        "file_overwrite": False,
        "max_memory_size": 4 * 1024**2,
    }
    stored = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    with override_settings(STORAGES={**settings.STORAGES, "default": stored}):
        yield client
    for item in client.list_objects_v2(Bucket="media").get("Contents", []):
        client.delete_object(Bucket="media", Key=item["Key"])
    client.delete_bucket(Bucket="media")


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
