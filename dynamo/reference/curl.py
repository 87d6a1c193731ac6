"""Requests as they are typed into a shell: `signed`, which the page defines, and what curl is told."""

import re
from shlex import quote
from typing import Any

from dynamo.reference.marking import pretty

PLACES = ("path", "query", "header")
SIGNED = """\
API='{base}'
KEY='your-key-id'
SECRET='your-secret'

hmac() {{
  openssl dgst -sha256 -hmac "$SECRET" | sed 's/^.* //'
}}
signed() {{
  local now signature
  now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  signature=$(printf %s "$now" | hmac)
  curl -sS -H "x-api-key: $KEY" -H "x-date: $now" \\
    -H "x-signature: $signature" "$@"
}}

signed "$API/channels"
"""
FULLY = """\
signed_fully() {  # METHOD path-and-query [body]
  local method=$1 target=$2 body=$3 now hash full
  shift $(($# < 3 ? $# : 3))
  now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  hash=$(printf %s "$body" | openssl dgst -sha256)
  full=$(printf '%s\\n' "$method" "$target" "$now" |
    cat - <(printf %s "${hash##* }") | hmac)
  if [ -n "$body" ]; then
    set -- -H 'content-type: application/json' -d "$body"
  fi
  curl -sS -X "$method" "${API%/v1}$target" \\
    -H "x-api-key: $KEY" -H "x-date: $now" \\
    -H "x-signature: $(printf %s "$now" | hmac)" \\
    -H "x-signature-full: $full" "$@"
}

signed_fully GET '/v1/posts?limit=5'
"""
PYTHON = """\
import hashlib, hmac
from datetime import datetime, timezone

def headers(key, secret):
    date = datetime.now(timezone.utc).isoformat()
    signature = hmac.new(
        secret.encode(), date.encode(), hashlib.sha256
    ).hexdigest()
    return {
        "x-api-key": key,
        "x-date": date,
        "x-signature": signature,
    }
"""


def command(path: str, method: str, said: dict[str, Any], body: Any = None) -> str:
    """Return the call with the parameters' examples, and a body."""
    examples = [one for one in said.get("parameters", []) if "example" in one]
    values = {place: {one["name"]: str(one["example"]) for one in examples if one["in"] == place} for place in PLACES}
    address = re.sub(r"\{(\w+)\}", lambda name: values["path"][name[1]], path.removeprefix("/v1"))
    implied = method == "get" or (method == "post" and body is not None)
    how = "-G " if values["query"] else "" if implied else f"-X {method.upper()} "
    lines = [f'signed {how}"$API{address}"']
    lines += [f"-d {quote(f'{name}={value}')}" for name, value in values["query"].items()]
    lines += [f"-H {quote(f'{name}: {value}')}" for name, value in values["header"].items()]
    if body is not None:
        lines += ["-H 'content-type: application/json'", f"-d {quote(pretty(body))}"]
    return " \\\n  ".join(lines)
