"""What the demo keeps from one start to the next, and what it tells scripts while it runs.

`demo/kept.json` holds the credentials; `demo.json` exists only while the demo is ready, so that a script may wait
for it. Both are their owner's alone (mode 600).
"""

import json
import os
from pathlib import Path
from typing import Any

from django.conf import settings


def ready_file() -> Path:
    return Path(settings.VAR_DIR) / "demo.json"


def kept_file() -> Path:
    return Path(settings.VAR_DIR) / "demo" / "kept.json"


def load() -> dict[str, Any]:
    """Return what was kept; nothing at the first start."""
    try:
        return dict(json.loads(kept_file().read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}


def write(path: Path, content: dict[str, Any]) -> None:
    """Write `content` whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
    fresh.replace(path)
