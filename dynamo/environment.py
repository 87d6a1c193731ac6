"""Where settings come from: environment variables, or the files that `NAME_FILE` names (container secrets)."""

import os
import secrets
from pathlib import Path


def text(name: str, default: str = "") -> str:
    """Return `NAME`, else the stripped content of the file named by `NAME_FILE`, else the default."""
    if name in os.environ:
        return os.environ[name]
    if path := os.environ.get(f"{name}_FILE"):
        return Path(path).read_text(encoding="utf-8").strip()
    return default


def flag(name: str, *, default: bool = False) -> bool:
    """Return whether `NAME` is switched on: 1, true, yes or on, in any case."""
    value = text(name)
    return value.strip().lower() in {"1", "true", "yes", "on"} if value else default


def number(name: str, default: float) -> float:
    """Return `NAME` as a number."""
    return float(text(name) or default)


def words(name: str, default: str = "") -> list[str]:
    """Return `NAME` as a list: commas separate, blanks are dropped."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def kept_secret(name: str, folder: Path) -> str:
    """Return the secret `NAME`; without one, make it once and keep it in `folder`, readable by its owner alone.

    This is what lets a newcomer start without any configuration; the deploy check refuses it in production.
    """
    if value := text(name):
        return value
    path = folder / "secrets" / name.lower()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii")
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48))
    return path.read_text(encoding="ascii")
