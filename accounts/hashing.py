import hashlib
import json
from typing import Any


def canonical_sha256(document: dict[str, Any]) -> str:
    """Return the SHA-256 of the canonical JSON (sorted keys, no white space, UTF-8), as lowercase hex."""
    text = json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
