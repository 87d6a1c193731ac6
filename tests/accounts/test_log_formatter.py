"""Redaction of secrets in the log, and its lines as JSON."""

import json
import logging

import pytest

from accounts.log_formatter import JsonFormatter, RedactingFormatter, redact

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


def test_json_line_is_one_redacted_object_with_the_ids_of_its_record():
    error = ValueError(f"refused\nwith access_token={TOKEN}")
    record = logging.LogRecord("x", logging.ERROR, "f", 1, 'no: %s\n"', (f"Bearer {TOKEN}",), (ValueError, error, None))
    vars(record).update(request_id="find-me", post_id="-", channel_ids=["one"], password=TOKEN)
    line = JsonFormatter().format(record)
    entry = json.loads(line)
    assert "\n" not in line
    assert TOKEN[3:] not in line
    assert entry.pop("exception").endswith("ValueError: refused\nwith access_token=[cut]")
    assert entry.pop("time").endswith("+00:00")
    assert entry == {
        "level": "ERROR",
        "logger": "x",
        "message": 'no: Bearer [cut]\n"',
        "request_id": "find-me",
        "channel_ids": ["one"],
    }
