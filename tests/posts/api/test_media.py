"""POST /media: an upload, or what a URL serves, becomes a stored file that posts name by its address."""

import hashlib
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from PIL import Image

from accounts.domain.request_signatures import full_signature_message, sign
from accounts.models import ApiKey, Organization, User
from posts.domain import media_store
from posts.models import MediaFile
from scheduling.domain import media_inspection
from scheduling.models import ScheduledPost
from tests.helpers import SignedClient

URL = "/media"


def picture(kind: str = "PNG", size: tuple[int, int] = (1080, 1350)) -> bytes:
    file = BytesIO()
    Image.new("RGB", size, "navy").save(file, kind)
    return file.getvalue()


def upload(api: SignedClient, **fields: Any) -> Any:
    files = {
        name: SimpleUploadedFile("a.png", value) if isinstance(value, bytes) else value
        for name, value in fields.items()
    }
    return api.call("POST", URL, body=encode_multipart(BOUNDARY, files), content_type=MULTIPART_CONTENT)


def test_upload_is_stored_and_described(api: SignedClient, organization: Organization) -> None:
    answer = upload(api, file=picture())
    assert answer.status_code == 201, answer.content
    stored = MediaFile.objects.get(organization=organization)
    with media_store.open_stored(stored) as file:
        data = file.read()
    assert answer.json() == {
        "id": str(stored.pk),
        "url": media_store.stable_url(stored),
        "mediaType": "IMAGE",
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "width": 1080,
        "height": 1350,
        "durationSeconds": None,
    }


def test_upload_again_is_the_same_file(api: SignedClient) -> None:
    first, second = (upload(api, file=picture()).json() for _ in range(2))
    assert first == second


def test_upload_larger_than_a_body_of_json_is_stored(api: SignedClient) -> None:
    image = BytesIO()
    Image.effect_noise((1500, 1500), 100).save(image, "PNG")
    assert len(image.getvalue()) > 1024 * 1024
    assert upload(api, file=image.getvalue()).status_code == 201


def test_post_with_the_address_of_an_upload_uses_the_stored_file(api: SignedClient, organization: Organization) -> None:
    url = upload(api, file=picture()).json()["url"]
    post = api.post("/scheduled-posts", {"media": url}).json()
    media_inspection.inspect_media(post["id"], post["version"])
    assert ScheduledPost.objects.get().media_file == MediaFile.objects.get(organization=organization)


def test_url_is_fetched_once_and_stored(api: SignedClient, sandbox: Any, organization: Organization) -> None:
    answer = api.post(URL, {"url": sandbox.media()})
    assert answer.status_code == 201, answer.content
    assert answer.json()["id"] == str(MediaFile.objects.get(organization=organization).pk)


def test_url_of_a_private_address_is_refused(api: SignedClient) -> None:
    answer = api.post(URL, {"url": "http://10.0.0.1/a.jpg"})
    assert (answer.status_code, answer.json()["details"][0]["code"]) == (400, "media.unusable")
    assert not MediaFile.objects.exists()


@pytest.mark.parametrize(
    "body", [b"<html>", b"\x1a\x45\xdf\xa3\x01", b"RIFF\0\0\0\0AVI LIST", b"FLV\1", b"OggS\0", b"\0\0\0\x18ftypM4A "]
)
def test_file_that_is_no_media_is_refused_m7(api: SignedClient, body: bytes) -> None:
    answer = upload(api, file=body)
    assert (answer.status_code, answer.json()["details"][0]["code"]) == (400, "media.unusable")


@pytest.mark.parametrize(
    ("fields", "path", "code"),
    [
        ({}, ["file"], "any.required"),
        ({"file": "text"}, ["file"], "any.required"),
        ({"file": b"x", "other": "y"}, ["other"], "object.unknown"),
    ],
)
def test_wrong_form_is_refused(api: SignedClient, fields: dict[str, Any], path: list[str], code: str) -> None:
    answer = upload(api, **fields)
    assert answer.status_code == 422, answer.content
    assert [(error["path"], error["type"]) for error in answer.json()["error"]] == [(path, code)]


def test_media_type_is_taken_in_any_case(api: SignedClient) -> None:
    body = encode_multipart(BOUNDARY, {"file": SimpleUploadedFile("a.png", picture())})
    content_type = f"Multipart/Form-Data; boundary={BOUNDARY}"
    assert api.call("POST", URL, body=body, content_type=content_type).status_code == 201


def test_upload_without_a_boundary_is_refused_as_such(api: SignedClient) -> None:
    answer = api.call("POST", URL, body=b"x", content_type="multipart/form-data")
    (error,) = answer.json()["error"]
    assert (answer.status_code, error["type"]) == (422, "object.base")
    assert "boundary" in error["message"]


def test_other_content_type_is_refused(api: SignedClient) -> None:
    assert api.call("POST", URL, body=picture(), content_type="image/png").status_code == 415


def test_upload_over_the_quota_is_refused(api: SignedClient, settings: Any) -> None:
    settings.MEDIA_QUOTA = 1000
    answer = upload(api, file=picture())
    assert (answer.status_code, answer.json()["details"][0]["code"]) == (413, "media.quota")
    assert not MediaFile.objects.exists()


def test_image_over_the_limit_of_images_is_refused(api: SignedClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_store, "IMAGE_BYTES", 100)
    answer = upload(api, file=picture())
    assert (answer.status_code, answer.json()["details"][0]["code"]) == (413, "media.size")


def test_upload_without_a_signature_or_the_scope_stores_nothing(
    make_key: Any, organization: Organization, author: User, key: ApiKey
) -> None:
    reading = SignedClient(make_key(organization, author, scopes=["read"]))
    unsigned = Client().post("/v1/media", {"file": SimpleUploadedFile("a.png", picture())})
    assert (unsigned.status_code, upload(reading, file=picture()).status_code) == (403, 403)
    assert not MediaFile.objects.exists()


@pytest.mark.parametrize(("altered", "status"), [(b"", 201), (b" ", 403)])
def test_full_signature_covers_a_large_upload(
    api: SignedClient, organization: Organization, altered: bytes, status: int
) -> None:
    Organization.objects.update(require_full_signature=True)
    image = BytesIO()
    Image.effect_noise((1500, 1500), 100).save(image, "PNG")
    body = encode_multipart(BOUNDARY, {"file": SimpleUploadedFile("a.png", image.getvalue())})
    headers = api.signature()
    message = full_signature_message(
        method="POST",
        target="/v1/media",
        date=headers["x-date"],
        body_sha256=hashlib.sha256(body + altered).hexdigest(),
    )
    headers["x-signature-full"] = sign(api.secret, message)
    answer = api.call("POST", URL, body=body, content_type=MULTIPART_CONTENT, headers=headers)
    assert answer.status_code == status, answer.content
    assert MediaFile.objects.count() == (status == 201)


def test_repeated_upload_gets_the_first_answer_whatever_its_boundary_i1(api: SignedClient) -> None:
    def send(boundary: str, data: bytes) -> Any:
        body = encode_multipart(boundary, {"file": SimpleUploadedFile("a.png", data)})
        content_type = f"multipart/form-data; boundary={boundary}"
        return api.call("POST", URL, body=body, content_type=content_type, headers={"Idempotency-Key": "k1"})

    first, second = send("one", picture()), send("two", picture())
    assert (first.status_code, "Idempotency-Replayed" in first.headers) == (201, False)
    assert (second.status_code, second.headers["Idempotency-Replayed"]) == (201, "true")
    assert (second.content, second.headers["Location"]) == (first.content, first.json()["url"])
    other = send("one", picture(size=(600, 600)))
    assert (other.status_code, other.json()["code"]) == (422, "idempotency.mismatch")
    assert MediaFile.objects.count() == 1


def test_repeated_url_is_not_fetched_again_i1(api: SignedClient, sandbox: Any) -> None:
    body, headers = {"url": sandbox.media()}, {"Idempotency-Key": "k1"}
    first = api.post(URL, body, headers=headers)
    assert first.status_code == 201, first.content
    sandbox.fault("GET /media/.*", "html_502")  # used up by a fetch
    second = api.post(URL, body, headers=headers)
    assert (second.content, second.headers["Idempotency-Replayed"]) == (first.content, "true")
    assert sandbox.faults
    assert api.post(URL, {"url": sandbox.media("other.jpg")}, headers=headers).status_code == 422


def test_refused_upload_frees_its_idempotency_key(api: SignedClient) -> None:
    for data, status in ((b"<html>", 400), (picture(), 201)):
        body = encode_multipart(BOUNDARY, {"file": SimpleUploadedFile("a.png", data)})
        headers = {"Idempotency-Key": "k1"}
        answer = api.call("POST", URL, body=body, content_type=MULTIPART_CONTENT, headers=headers)
        assert answer.status_code == status, answer.content
