"""Searches what a run wrote for the secrets of the run, in clear or in one of the usual encodings.

`python -m tests.security.secret_scan FOLDER` with the environment of the run searches the folder's files, every row of
the database, Redis, and the command lines of the run's processes. More secrets come on standard input, as a JSON object
from names to texts. It prints which place holds which secret, never the secret, and exits with 1.
"""

import base64
import hashlib
import hmac
import html
import json
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, urlsplit

import psutil

SHORTEST = 8  # characters: less is found everywhere
COMPRESSED = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda", b"\x1f\x8b")
OPENED = 1 << 24  # bytes of a compressed piece that are looked at


@dataclass(frozen=True)
class Secret:
    """A text that no place may hold. `stored`: the database itself holds it in clear, as it does a session's key."""

    name: str
    text: str
    stored: bool = False


@dataclass(frozen=True)
class Place:
    """Something that was written, and what is in it."""

    name: str
    content: bytes
    database: bool = False


def spellings(text: str) -> dict[bytes, str]:
    """Return each way in which the text could stand somewhere, with its name."""
    plain = text.encode()
    made = {
        text.encode("utf-16-le"): "in UTF-16",
        plain.hex().encode(): "in hex",
        plain.hex().upper().encode(): "in hex",
        quote(text, safe="").encode(): "in a URL's encoding",
        html.escape(text).encode(): "in HTML's encoding",
        json.dumps(text)[1:-1].encode(): "in JSON",
        repr(text)[1:-1].encode(): "in a repr",
        repr(plain)[2:-1].encode(): "in a repr",
    }
    for inner in (plain, json.dumps(text)[1:-1].encode(), json.dumps(text, ensure_ascii=False)[1:-1].encode()):
        for before in range(3):  # how many bytes of something else share the first group with it
            whole = base64.b64encode(bytes(before) + inner)
            core = whole[-(-before * 8 // 6) : (before + len(inner)) * 8 // 6]
            made |= {core: "in base64", core.translate(bytes.maketrans(b"+/", b"-_")): "in base64"}
    return {**made, plain: "in clear"}


def opened(content: bytes) -> Iterator[bytes]:
    """Yield the content, and whatever in it was compressed."""
    yield content
    for mark in COMPRESSED:
        at = content.find(mark)
        while at >= 0:
            try:
                inner = zlib.decompressobj(wbits=47).decompress(content[at:], OPENED)
            except zlib.error:
                inner = b""
            if len(inner) >= SHORTEST:
                yield inner
            at = content.find(mark, at + 1)


def found(secrets: Iterable[Secret], places: Iterable[Place]) -> list[str]:
    """Return a line for each secret in each place that holds it."""
    words = [(secret, spelling, how) for secret in secrets for spelling, how in spellings(secret.text).items()]
    lines = dict.fromkeys(
        f"{place.name} holds {one.name} {how}"
        for place in places
        for content in opened(place.content)
        for one, spelling, how in words
        if spelling in content and not (one.stored and place.database)
    )
    return list(lines)


def known() -> list[Secret]:
    """Return what this installation keeps: all that is encrypted, the settings' own secrets, the sessions' keys."""
    from django.conf import settings
    from django.contrib.sessions.models import Session

    from accounts import encryption
    from accounts.domain import mfa
    from accounts.models import TotpDevice

    made = {"SECRET_KEY": settings.SECRET_KEY, "GRAPH_APP_SECRET": settings.GRAPH_APP_SECRET}
    made |= {f"encryption key {at}": key for at, key in enumerate(settings.ENCRYPTION_KEYS)}
    made |= {f"trail key {at}": key for at, key in enumerate(settings.AUDIT_KEYS)}
    made |= {"the database's password": urlsplit(settings.DATABASE_URL).password or ""}
    for model, column in encryption.encrypted_columns():
        for pk, sealed in model._default_manager.exclude(**{column: ""}).values_list("pk", column):
            made[f"{model.__name__}.{column} of {pk}"] = plain = encryption.decrypt(sealed)
            proof = hmac.new(settings.GRAPH_APP_SECRET.encode(), plain.encode(), hashlib.sha256).hexdigest()
            made[f"a proof with {model.__name__}.{column} of {pk}"] = proof
    made |= {f"the typed second factor {row.pk}": mfa.base32_secret(row) for row in TotpDevice.objects.all()}
    kept = [Secret(name, text) for name, text in made.items() if len(text) >= SHORTEST]
    keys = Session.objects.values_list("session_key", flat=True)
    return [*kept, *(Secret(f"a session's key ({at})", key, stored=True) for at, key in enumerate(keys))]


def files(folder: Path, *, but: Iterable[Path] = ()) -> Iterator[Place]:
    """Yield the files below a folder, but for those in `but`."""
    left_out = set(but)
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not left_out & {path, *path.parents}:
            with suppress(FileNotFoundError):  # a message that a worker has taken
                yield Place(str(path.relative_to(folder)), path.read_bytes(), database=".sqlite3" in path.name)


def tables() -> Iterator[Place]:
    """Yield every table of the database, each value as it is; sessions also as they are read."""
    from django.contrib.sessions.models import Session
    from django.db import connection

    with connection.cursor() as cursor:
        for name in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(name)}")  # noqa: S608  a name of its own
            yield Place(f"table {name}", b"\n".join(_raw(value) for row in cursor for value in row), database=True)
    decoded = json.dumps([session.get_decoded() for session in Session.objects.all()], default=str)
    yield Place("what sessions hold", decoded.encode(), database=True)


def cache_and_broker(url: str) -> Iterator[Place]:
    """Yield every key of a Redis with its value."""
    import redis

    # The client's types promise for some commands what the asynchronous one would give.
    client = cast("Any", redis.Redis.from_url(url))
    readers = {
        b"string": client.get,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"hash": client.hgetall,
        b"set": client.smembers,
        b"zset": lambda key: client.zrange(key, 0, -1),
    }
    for key in client.scan_iter(count=1000):
        value = readers[client.type(key)](key)
        parts = [value] if isinstance(value, bytes) else value.items() if isinstance(value, dict) else value or []
        flat = chain.from_iterable(part if isinstance(part, tuple) else (part,) for part in parts)
        yield Place(f"Redis {key.decode(errors='replace')[:60]}", b"\n".join([key, *flat]))


def command_lines(folder: Path) -> Iterator[Place]:
    """Yield the words with which the processes of the run were started: everybody on the machine reads them."""
    for process in psutil.process_iter():
        try:
            if process.environ().get("DYNAMO_VAR") == str(folder):
                yield Place(f"the command line of {process.pid}", "\n".join(process.cmdline()).encode())
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue


def look(folder: Path, more: dict[str, str], *, but: Iterable[Path] = ()) -> tuple[list[str], str]:
    """Look everywhere; return the lines of what was found, and a sentence about what was looked at."""
    from django.conf import settings

    secrets = [*known(), *(Secret(name, text) for name, text in more.items())]
    places = [*files(folder, but=but), *tables(), *command_lines(folder)]
    if settings.REDIS_URL:
        places += cache_and_broker(settings.REDIS_URL)
    size = sum(len(place.content) for place in places)
    return found(secrets, places), f"{len(secrets)} secrets looked for in {len(places)} places, {size:,} bytes"


def _raw(value: Any) -> bytes:
    return bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode(errors="surrogatepass")


def main(folder: Path) -> int:
    import django

    django.setup()
    # What the demo tells its user and keeps (mode 600), and what the platform itself remembers, is not looked at.
    but = [folder / name for name in ("demo.json", "demo", "sandbox", "secrets")]
    lines, looked = look(folder, json.load(sys.stdin), but=but)
    print(*lines, looked, sep="\n")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
