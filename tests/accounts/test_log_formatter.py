"""Redaction of secrets in the log."""

import logging

import pytest

from accounts.log_formatter import RedactingFormatter, redact

TOKEN = "EAA" + "bC4" * 20
SEALED = "gAAAAA" + "Bq-_" * 20 + "=="


@pytest.mark.parametrize(
    "line",
    [
        f"GET https://graph.facebook.com/v26.0/me?access_token={TOKEN}&fields=id", f"Authorization: Bearer {TOKEN}",
        f"{{'access_token': '{TOKEN}', 'id': '1'}}", f'{{"client_secret": "{TOKEN}"}}', f"password={TOKEN}",
        f"Cookie: sessionid={TOKEN}; other=1", f"the token {TOKEN} was refused", f"OAuth {TOKEN}",
        f"GET /connect/callback/?code={TOKEN[3:]}&state={TOKEN[3:]} HTTP/1.1",
        f"GET /meta/webhook?hub.verify_token={TOKEN[3:]}&hub.challenge=1", f"signed_request={TOKEN[3:]}",
    ],
)  # fmt: skip
def test_secret_is_redacted(line):
    assert TOKEN[3:] not in redact(line)
    assert "[cut]" in redact(line)


@pytest.mark.parametrize(
    "line",
    ["post 1f0c was published", "GET /v1/posts?limit=20 200", "The password is wrong", "secret: no", "EAAB is short"],
)
def test_other_text_is_unchanged(line):
    assert redact(line) == line


def test_traceback_is_redacted():
    error = ValueError(f"refused: access_token={TOKEN} and {SEALED}")
    record = logging.LogRecord("x", logging.ERROR, "f", 1, "failed", (), (ValueError, error, None))
    output = RedactingFormatter("%(message)s").format(record)
    assert "ValueError: refused: access_token=[cut]" in output
    assert (TOKEN in output, SEALED in output) == (False, False)
