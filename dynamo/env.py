"""Settings from environment variables, or from the files that `NAME_FILE` names (container secrets).

A value that cannot be used ends the process with a sentence that names the variable, never with a default.
"""

import math
import os
import re
import secrets
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import dj_database_url
import redis

TRUE, FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
GREATEST = 1e9  # seconds, or whatever is counted: dates end soon after
ENGINES = ("django.db.backends.postgresql", "django.db.backends.sqlite3")
read_names: set[str] = set()  # of the variables that were asked for
SEVERAL_HOSTS = re.compile(r"^(?P<before>[a-z]+://(?:[^@/]*@)?)(?P<hosts>[^@/?]*,[^@/?]*)(?P<after>[/?].*)?$")


def refuse(name: str, why: str) -> NoReturn:
    """Raise SystemExit. `why` ends the sentence and must not contain a secret."""
    raise SystemExit(f"Refusing to start: {name} {why}.")


def env_str(name: str, default: str = "") -> str:
    """Return `NAME`, else the stripped content of the file named by `NAME_FILE`, else the default."""
    read_names.add(name)
    if name in os.environ:
        return os.environ[name]
    if path := os.environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            refuse(f"{name}_FILE", f"names {path}, which cannot be read ({getattr(error, 'strerror', None) or error})")
    return default


def env_bool(name: str, *, default: bool = False) -> bool:
    """Return a switch, in any case; the default for an empty or missing value."""
    value = env_str(name).strip().lower()
    if value and value not in TRUE + FALSE:
        refuse(name, f"is {value!r}; it must be one of {', '.join(TRUE + FALSE)}")
    return value in TRUE if value else default


def env_float(name: str, default: float, *, least: float = 0) -> float:
    """Return a number of `least` or more; the default for an empty or missing value."""
    text = env_str(name)
    try:
        value = float(text or default)
    except ValueError:
        value = math.nan
    if not least <= value <= GREATEST:
        refuse(name, f"is {text!r}; it must be a number, {least:g} or more")
    return value


def env_url(name: str, default: str = "") -> str:
    """Return a URL of http or https; the default, as it is, for an empty or missing value."""
    url = env_str(name)
    if url and not _is_url(url, "http", "https"):
        refuse(name, "must be a URL like https://host.example")
    return url or default


def _is_url(url: str, *schemes: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in schemes and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def env_list(name: str, default: str = "") -> list[str]:
    """Return the comma-separated values, stripped, without empty ones."""
    return [value.strip() for value in env_str(name, default).split(",") if value.strip()]


def database_settings(url: str) -> dict[str, Any]:
    """Return Django's settings of the database. Of several hosts, libpq takes the first that accepts writes."""
    several = SEVERAL_HOSTS.match(url)
    hosts = several["hosts"].split(",") if several else []
    if several:
        url = f"{several['before']}{hosts[0]}{several['after'] or ''}"
    try:
        found: dict[str, Any] = dict(dj_database_url.parse(url, conn_max_age=None, conn_health_checks=True))
    except ValueError:
        found = {}
    if found.get("ENGINE") not in ENGINES or not found["NAME"]:
        refuse("DATABASE_URL", "is not a URL like postgresql://user:password@host:5432/name, with a quoted password")
    if several:
        parts = [urlsplit(f"//{host}") for host in hosts]
        try:
            ports = [str(part.port or 5432) for part in parts]
        except ValueError:
            refuse("DATABASE_URL", "has a host with a port that is not a number")
        found |= {"HOST": ",".join(part.hostname or "" for part in parts), "PORT": ",".join(ports)}
        found.setdefault("OPTIONS", {}).setdefault("target_session_attrs", "read-write")
    return found


def redis_url(name: str) -> str:
    """Return the URL of a Redis server, empty without one. With `rediss://` the server's certificate is verified."""
    url = env_str(name)
    if not url:
        return ""
    try:
        is_redis = _is_url(url, "redis", "rediss") and re.fullmatch(r"/?\d*", urlsplit(url).path)
        redis.ConnectionPool.from_url(url).make_connection()  # it refuses options that it cannot use
    except (ValueError, TypeError, redis.RedisError):
        is_redis = None
    if not is_redis:
        refuse(
            name, "must look like redis://host:6379/0 or rediss://…, with options of redis-py; no Sentinel, no sockets"
        )
    parts = urlsplit(url)
    if parts.scheme == "rediss" and "ssl_cert_reqs" not in parts.query:
        # kombu's default is not to verify.
        url = parts._replace(query=f"{parts.query}&ssl_cert_reqs=required".lstrip("&")).geturl()
    return url


def create_folder(path: Path) -> Path:
    """Create a folder of DYNAMO_VAR, with mode 700, and return it."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        refuse("DYNAMO_VAR", f"must be a folder that this user can write: {path} cannot be created ({error.strerror})")
    return path


def generated_secret(name: str, folder: Path) -> str:
    """Return the secret `NAME`; without one, generate it once and keep it in `folder`, with mode 600.

    This allows a start without configuration. The deploy check refuses such a secret in production.
    """
    if value := env_str(name):
        return value
    path = create_folder(folder / "secrets") / name.lower()
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii")
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48))
    return path.read_text(encoding="ascii")
