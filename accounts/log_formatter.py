"""Lines of the log, as text or as JSON. What looks like a secret is redacted, as a second line of defence."""

import json
import logging
import re
from datetime import UTC, datetime

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
IDS = ("request_id", "task", "task_id", "post_id", "channel_id", "channel_ids")
ACCESS = {  # the identifiers of gunicorn's access_log_format
    "address": "h", "method": "m", "path": "U", "status": "s", "bytes": "b", "microseconds": "D", "agent": "a",
    "request_id": "{x-request-id}o",
}  # fmt: skip


def redact(text: str) -> str:
    """Replace what looks like a token, a password or an API key's secret by `[cut]`."""
    return SECRETS.sub(lambda match: f"{match['name'] or match['query'] or match['prefix'] or ''}{CUT}", text)


class RedactingFormatter(logging.Formatter):
    """Redacts the formatted record, traceback included."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


class JsonFormatter(logging.Formatter):
    """One JSON object a line, each text redacted. The ids are those that the record has, see RequestIdFilter.

    gunicorn's access log has the parts of its line as well, which its record carries as arguments.
    """

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        entry |= {name: value for name in IDS if (value := getattr(record, name, "-")) != "-"}
        if record.name == "gunicorn.access" and isinstance(record.args, dict):
            entry |= {name: redact(str(record.args[atom])) for name, atom in ACCESS.items()}
        if record.exc_info:
            entry["exception"] = redact(self.formatException(record.exc_info))
        return json.dumps(entry, ensure_ascii=False, default=str)
