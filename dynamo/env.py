"""Settings from environment variables, or from the files that `NAME_FILE` names (container secrets)."""

import os
import secrets
from pathlib import Path


def env_str(name: str, default: str = "") -> str:
    """Return `NAME`, else the stripped content of the file named by `NAME_FILE`, else the default."""
    if name in os.environ:
        return os.environ[name]
    if path := os.environ.get(f"{name}_FILE"):
        return Path(path).read_text(encoding="utf-8").strip()
    return default


def env_bool(name: str, *, default: bool = False) -> bool:
    """Return True for 1, true, yes or on, in any case; the default for an empty or missing value."""
    value = env_str(name)
    return value.strip().lower() in {"1", "true", "yes", "on"} if value else default


def env_float(name: str, default: float) -> float:
    return float(env_str(name) or default)


def env_list(name: str, default: str = "") -> list[str]:
    """Return the comma-separated values, stripped, without empty ones."""
    return [value.strip() for value in env_str(name, default).split(",") if value.strip()]


def generated_secret(name: str, folder: Path) -> str:
    """Return the secret `NAME`; without one, generate it once and keep it in `folder`, with mode 600.

    This allows a start without configuration. The deploy check refuses such a secret in production.
    """
    if value := env_str(name):
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
