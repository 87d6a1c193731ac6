"""The files of the demo: the credentials kept between starts, and the state of the running demo for scripts.

`demo/credentials.json` is kept. `demo.json` exists only while the demo is ready. Both have mode 600.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError


def state_file() -> Path:
    return Path(settings.VAR_DIR).resolve() / "demo.json"


def credentials_file() -> Path:
    return Path(settings.VAR_DIR).resolve() / "demo" / "credentials.json"


def load_credentials() -> dict[str, Any]:
    """Return the kept credentials; {} at the first start."""
    try:
        return dict(json.loads(credentials_file().read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}


def write(path: Path, content: dict[str, Any]) -> None:
    """Replace the file atomically."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
    new.replace(path)


@contextlib.contextmanager
def single_instance_lock() -> Iterator[None]:
    """Lock the demo's folder. Raises CommandError when another demo runs there."""
    path = credentials_file().with_name("lock")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CommandError(f"A demo already runs in {settings.VAR_DIR}.") from None
        yield
