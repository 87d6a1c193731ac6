"""The signature over method, path, query, date and body."""

import hashlib
from typing import Any

import pytest

from accounts import clock
from accounts.domain.request_signatures import full_signature_message, sign
from accounts.models import ApiKey, Organization
from tests.helpers import SignedClient, stamp

REQUIRED = {
    "message": "This organization wants requests signed in full: send x-signature-full",
    "code": "signature.full_required",
}
INVALID = {"message": "Invalid signature", "code": "signature.invalid"}


def full(api: SignedClient, method: str, target: str, body: bytes = b"", secret: str = "") -> dict[str, str]:
    """Return all four headers, the full one over these values."""
    plain = api.signature(stamp(clock.now()))
    message = full_signature_message(
        method=method, target=target, date=plain["x-date"], body_sha256=hashlib.sha256(body).hexdigest()
    )
    return {**plain, "x-signature-full": sign(secret or api.secret, message)}


def test_full_signature_is_checked_if_present_and_required_by_setting(api: SignedClient, organization: Any) -> None:
    assert api.get("/organizations").status_code == 200
    for required in (False, True):
        Organization.objects.update(require_full_signature=required)
        assert api.get("/organizations", headers=full(api, "GET", "/v1/organizations")).status_code == 200
        for wrong in ("", "0" * 64, "é".encode().decode("latin-1")):
            answer = api.get("/organizations", headers={"x-signature-full": wrong})
            assert (answer.status_code, answer.json()) == (403, INVALID), wrong
    answer = api.get("/organizations")
    assert (answer.status_code, answer.json()) == (403, REQUIRED)


def test_full_signature_covers_method_path_query_and_body(api: SignedClient) -> None:
    body = b'{"brief": "Because"}'
    good = full(api, "POST", "/v1/scheduled-posts", body)
    assert api.post("/scheduled-posts", body=body, headers=good).status_code == 201
    assert api.post("/scheduled-posts", body=body + b" ", headers=good).json() == INVALID
    assert api.get("/scheduled-posts", headers=good).json() == INVALID
    listed = full(api, "GET", "/v1/posts?limit=5")
    assert api.get("/posts", query={"limit": "5"}, headers=listed).status_code == 200
    assert api.get("/posts", query={"limit": "6"}, headers=listed).json() == INVALID
    assert api.get("/posts", headers=listed).json() == INVALID
    assert api.get("/channels", query={"limit": "5"}, headers=listed).json() == INVALID


def test_full_signature_is_checked_after_the_plain_one(api: SignedClient, other_api: SignedClient) -> None:
    Organization.objects.update(require_full_signature=True)
    other = full(api, "GET", "/v1/organizations", secret=other_api.secret)
    assert api.get("/organizations", headers=other).json() == INVALID
    good = full(api, "GET", "/v1/organizations")
    assert api.get("/organizations", headers={**good, "x-signature": "0" * 64}).json() == INVALID
    assert api.get("/organizations", headers={"x-signature": "0" * 64}).json() == INVALID
    ApiKey.objects.update(revoked_at=clock.now())
    assert api.get("/organizations").json() == INVALID


@pytest.mark.usefixtures("organization")
def test_too_large_body_with_full_signature_gets_413(api: SignedClient) -> None:
    body = b" " * (1024 * 1024 + 1)
    assert (
        api.post("/scheduled-posts", body=body, headers=full(api, "POST", "/v1/scheduled-posts", body)).status_code
        == 413
    )


@pytest.mark.parametrize("step", ["approve", "publish"])
@pytest.mark.usefixtures("organization")
def test_human_only_step_with_a_too_large_body_and_full_signature_gets_403(api: SignedClient, step: str) -> None:
    path, body = f"/scheduled-posts/1/{step}", b" " * (1024 * 1024 + 1)
    answer = api.post(path, body=body, headers=full(api, "POST", f"/v1{path}", body))
    assert (answer.status_code, answer.json()["code"]) == (403, api.post(path).json()["code"])
