"""The secret scan finds every spelling of a secret, and does not print it."""

import base64
import gzip
import html
import json
import pickle
import zlib
from urllib.parse import quote

import pytest

from tests.security.secret_scan import Place, Secret, found

TEXT = 'a+secret/of "36" chäracters & <more>'
SECRET = Secret("the token", TEXT)
PLANTED: dict[str, bytes] = {
    "clear": b"2026 INFO " + TEXT.encode(),
    "base64": base64.b64encode(TEXT.encode()),
    "a message's body": base64.b64encode(json.dumps([["x", "aa"], {"token": TEXT}], ensure_ascii=False).encode()),
    "a message's other body": base64.b64encode(b"12" + TEXT.encode() + b"34"),
    "base64 for URLs": base64.urlsafe_b64encode(b"\xff" + TEXT.encode()),
    "hex": TEXT.encode().hex().encode(),
    "URL": b"/me?access_token=" + quote(TEXT, safe="").encode(),
    "HTML": html.escape(TEXT).encode(),
    "JSON": json.dumps({"token": TEXT}).encode(),
    "repr": repr({"token": TEXT.encode()}).encode(),
    "UTF-16": TEXT.encode("utf-16"),
    "a file of the cache": pickle.dumps(1.5) + zlib.compress(pickle.dumps(TEXT)),
    "gzip": b"head" + gzip.compress(TEXT.encode()),
}


@pytest.mark.parametrize("content", PLANTED.values(), ids=PLANTED.keys())
def test_scan_finds_a_secret_without_printing_it(content: bytes) -> None:
    [line] = found([SECRET, Secret("another", "never written anywhere")], [Place("web.log", content)])
    assert line.startswith("web.log holds the token in ")
    assert TEXT not in line


def test_scan_without_secrets_finds_nothing() -> None:
    assert found([SECRET], [Place("web.log", b"a secret of 36 chars" * 50), Place("empty", b"")]) == []


def test_scan_session_key_is_allowed_in_the_database_only() -> None:
    key = Secret("a session's key", "q1w2e3r4t5z6", stored=True)
    places = [Place("table django_session", key.text.encode(), database=True), Place("web.log", key.text.encode())]
    assert found([key], places) == ["web.log holds a session's key in clear"]
