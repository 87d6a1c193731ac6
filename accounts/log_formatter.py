"""The last net under the logs: what looks like a secret is cut out of every line, wherever it came from."""

import logging
import re

# Each pattern keeps what names the secret and drops the secret itself.
SECRETS = re.compile(
    r"""(?ix)
    (?P<name>
        (?:access_token|appsecret_proof|client_secret|app_secret|password|passwd|csrfmiddlewaretoken|sessionid|secret)
        ["']?\s*[=:]\s*["']?
      | \b(?:Bearer|OAuth|Basic)\s+
    )
    [^\s"'&,;)}\]]{6,}
    | (?P<way>/admin/invitation/)[^\s"'/]{6,}
    | (?P<bare>\bEAA[A-Za-z0-9]{20,} | \bgAAAAA[\w-]{40,}={0,2})
    """
)
CUT = "[cut]"


def redact(text: str) -> str:
    """Return the text without what looks like a token, a password or a signature's secret."""
    return SECRETS.sub(lambda found: f"{found['name'] or found['way'] or ''}{CUT}", text)


class RedactingFormatter(logging.Formatter):
    """Formats as told, traceback included, then cuts secrets out of the result."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line as it may be written."""
        return redact(super().format(record))
