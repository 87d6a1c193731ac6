"""Signatures, against the contract's known answers."""

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from accounts import clock, encryption
from accounts.domain import request_signatures
from accounts.models import ApiKey

DATE = "2026-05-30T13:00:00.000Z"


@pytest.mark.parametrize(
    ("secret", "date", "signature"),
    [
        ("test-secret", DATE, "110418366cccf7fa2be30b16e3d6552c2286a09ad944e6d2defaf3dc15858cec"),
        (
            "test-secret",
            "Sat, 30 May 2026 13:00:00 GMT",
            "b6022713a9a5a1c6f9ace05ab7ee103276cbb03a800adcec4ac7b6176e2ef905",
        ),
        ("s3cr3t-ключ", DATE, "0d4666c4aa41baa87a7f5a7ff2aa1fbbf5c4bad63382343128fb5ed9940640e2"),
    ],
)
def test_known_answers(secret: str, date: str, signature: str) -> None:
    assert request_signatures.sign(secret, date) == signature


@pytest.mark.parametrize(
    ("method", "target", "date", "body", "signature"),
    [
        ("GET", "/v1/posts?limit=5", DATE, "", "2c519dec813f1f0e577780a8387b669b0b40fd46311612270a13fdcf5b1b5d9f"),
        (
            "POST",
            "/v1/scheduled-posts",
            DATE,
            '{"brief":"Olá 👋"}',
            "b80835b5b1006151ec26a5aabc8ede4f51d45ec1d533ad16d1d5fa94a051b9bf",
        ),
        (
            "GET",
            "/v1/posts/caf%C3%A9?mediumId=FB_PAGE_1&q=ol%C3%A1+%F0%9F%91%8B",
            "Sat, 30 May 2026 13:00:00 GMT",
            "",
            "425e68b6e15829fcc30778c69dfcea6eb032b95015469b0143d5e6aa59b0dd99",
        ),
    ],
)
def test_full_signature_known_answers(method: str, target: str, date: str, body: str, signature: str) -> None:
    message = request_signatures.full_signature_message(
        method=method, target=target, date=date, body_sha256=hashlib.sha256(body.encode()).hexdigest()
    )
    assert request_signatures.sign("test-secret", message) == signature
    documented = (Path(settings.BASE_DIR) / "docs" / "signing.md").read_text(encoding="utf-8")
    assert all(f"`{item}`" in documented for item in (signature, target, date) + ((body,) if body else ()))


def is_valid(key: ApiKey | None, signature: str, **late: Any) -> bool:
    return request_signatures.verify_signature(
        key, message=DATE, signature=signature, at=clock.now() + timedelta(**late)
    )


def test_every_verification_does_the_same_work(key: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    is_valid(None, "x")  # the decoy is made once per process
    work: list[str] = []
    decrypt, sign = encryption.decrypt, request_signatures.sign
    monkeypatch.setattr(encryption, "decrypt", lambda sealed: work.append("decrypt") or decrypt(sealed))
    monkeypatch.setattr(
        request_signatures, "sign", lambda secret, message: work.append("sign") or sign(secret, message)
    )

    def done(candidate: ApiKey | None, signature: str) -> tuple[bool, list[str]]:
        work.clear()
        return is_valid(candidate, signature), list(work)

    good = sign(key.secret, DATE)
    revoked = ApiKey(organization=key.organization, secret_encrypted=key.secret_encrypted, revoked_at=clock.now())
    all_of_it = ["decrypt", "decrypt", "sign", "sign"]
    refusals = [(key, "wrong"), (revoked, good), (None, good), (None, "wrong")]
    assert [done(*refusal) for refusal in refusals] == [(False, all_of_it)] * 4
    assert done(key, good) == (True, all_of_it)


def test_signature_with_replaced_or_unreadable_secret_is_refused(key: Any, settings: Any) -> None:
    old = request_signatures.sign(key.secret, DATE)
    assert is_valid(key, old)
    sealed, key.secret_encrypted = key.secret_encrypted, encryption.encrypt("another")
    assert not is_valid(key, old)
    key.secret_encrypted = sealed
    settings.ENCRYPTION_KEYS = ["another key"]
    assert not is_valid(key, old)


def test_undecryptable_secret_is_refused_and_logged(key: Any, caplog: pytest.LogCaptureFixture) -> None:
    key.secret_encrypted = "gAAAAAnonsense"
    assert not is_valid(key, request_signatures.sign(key.secret, DATE))
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "DYNAMO_ENCRYPTION_KEYS" in caplog.text
    assert key.secret not in caplog.text
