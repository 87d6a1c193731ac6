"""Redaction of everything in the log that looks like a secret, as a second line of defence."""

import logging
import re

# Each pattern keeps the name of the secret and drops the secret.
SECRETS = re.compile(
    r"""(?ix)
    (?P<name>
        (?:access_token|input_token|verify_token|signed_request|appsecret_proof|client_secret|app_secret|password|passwd|csrfmiddlewaretoken|sessionid|secret)
        ["']?\s*[=:]\s*["']?
      | \b(?:Bearer|OAuth|Basic)\s+
    )
    [^\s"'&,;)}\]]{6,}
    | (?P<query>[?&](?:code|state)=)[^\s"'&]+
    | (?P<prefix>/admin/(?:invitation|password_reset/[^\s"'/]+)/)[^\s"'/]{6,}
    | (?P<bare>\bEAA[A-Za-z0-9]{20,} | \bgAAAAA[\w-]{40,}={0,2})
    """
)
CUT = "[cut]"


def redact(text: str) -> str:
    """Replace what looks like a token, a password or an API key's secret by `[cut]`."""
    return SECRETS.sub(lambda match: f"{match['name'] or match['query'] or match['prefix'] or ''}{CUT}", text)


class RedactingFormatter(logging.Formatter):
    """Redacts the formatted record, traceback included."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))
