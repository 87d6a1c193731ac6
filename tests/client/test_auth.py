"""The client signs as docs/signing.md has it; its known answers are the server's."""

import io
import re
import tracemalloc
from pathlib import Path
from typing import Any

import httpx2
import pytest

from accounts.models import ApiKey
from dynamo_client.auth import BearerAuth, SignatureAuth, full_signature_message, sign
from tests.services.web_server import WebServer

SIGNING = Path(__file__).resolve().parents[2] / "docs" / "signing.md"


@pytest.mark.parametrize(
    ("secret", "date", "signature"),
    [
        (
            "test-secret",
            "2026-05-30T13:00:00.000Z",
            "110418366cccf7fa2be30b16e3d6552c2286a09ad944e6d2defaf3dc15858cec",
        ),
        (
            "test-secret",
            "Sat, 30 May 2026 13:00:00 GMT",
            "b6022713a9a5a1c6f9ace05ab7ee103276cbb03a800adcec4ac7b6176e2ef905",
        ),
        (
            "s3cr3t-ключ",
            "2026-05-30T13:00:00.000Z",
            "0d4666c4aa41baa87a7f5a7ff2aa1fbbf5c4bad63382343128fb5ed9940640e2",
        ),
    ],
)
def test_sign_known_answers_match(secret: str, date: str, signature: str) -> None:
    assert sign(secret, date) == signature


def test_full_signature_known_answers_match() -> None:
    text = SIGNING.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (method|target|x-date|body) \| (.+) \| (.+) \| (.+) \|$", text, flags=re.MULTILINE)
    columns = {name: [cell.strip("`") for cell in cells] for name, *cells in rows}
    answers = re.findall(r"^\d\. `([0-9a-f]{64})`$", text, flags=re.MULTILINE)
    assert len(answers) == 3
    for index, answer in enumerate(answers):
        body = columns["body"][index]
        message = full_signature_message(
            method=columns["method"][index],
            target=columns["target"][index],
            date=columns["x-date"][index],
            body=[] if body == "none" else [body.encode()],
        )
        assert sign("test-secret", message) == answer


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("full", [True, False])
def test_signed_request_with_query_is_accepted(key: ApiKey, public_server: WebServer, full: bool) -> None:
    organization = key.organization
    organization.require_full_signature = full
    organization.save()
    auth = SignatureAuth(key.pk, key.secret, full=full)
    answer = httpx2.get(f"{public_server.url}/v1/organizations", params={"q": "Casa & olá"}, auth=auth)
    assert (answer.status_code, answer.json()) == (200, [])


@pytest.mark.django_db(transaction=True)
def test_plain_signature_where_full_is_required_is_refused(key: ApiKey, public_server: WebServer) -> None:
    organization = key.organization
    organization.require_full_signature = True
    organization.save()
    auth = SignatureAuth(key.pk, key.secret, full=False)
    assert httpx2.get(f"{public_server.url}/v1/organizations", auth=auth).status_code == 403


def test_bearer_sends_id_and_secret() -> None:
    request = httpx2.Request("GET", "https://dynamo.example/v1/channels")
    next(BearerAuth("dk_1", "s3cret").auth_flow(request))
    assert request.headers["authorization"] == "Bearer dk_1.s3cret"


@pytest.mark.parametrize("kind", [SignatureAuth, BearerAuth])
def test_repr_hides_the_secret(kind: type[SignatureAuth] | type[BearerAuth]) -> None:
    assert "s3cret" not in repr(kind("dk_1", "s3cret"))
    assert "dk_1" in repr(kind("dk_1", "s3cret"))


@pytest.mark.parametrize("content", [iter([b"once"]), io.BytesIO(b"once")], ids=["iterator", "file"])
def test_body_that_can_be_read_once_is_refused(content: Any) -> None:
    request = httpx2.Request("POST", "https://dynamo.example/v1/media", content=content)
    with pytest.raises(TypeError, match="only be read once"):
        next(SignatureAuth("dk_1", "s").auth_flow(request))


def test_upload_is_signed_without_reading_it_into_memory(tmp_path: Path) -> None:
    file = tmp_path / "film.mp4"
    with file.open("wb") as written:
        written.truncate(64 * 1024 * 1024)
    tracemalloc.start()
    with file.open("rb") as opened:
        request = httpx2.Request("POST", "https://dynamo.example/v1/media", files={"file": ("film.mp4", opened)})
        next(SignatureAuth("dk_1", "s").auth_flow(request))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(request.headers["x-signature-full"]) == 64
    assert peak < 4 * 1024 * 1024
