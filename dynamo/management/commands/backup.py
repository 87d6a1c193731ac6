import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from psycopg.pq import Conninfo

from accounts import clock
from accounts.domain.audit_verification import chain_heads
from scheduling.domain.publishing import hold

CHUNK = 1024 * 1024


class Command(BaseCommand):
    help = (
        "Back up into an empty folder: the database, a manifest of the stored files with their hashes, and the heads "
        "of the audit log. Not the files themselves, and no keys: keep those elsewhere"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--pg-dump", default="pg_dump", help="the program, of the server's version or newer")
        parser.add_argument("--without-database", action="store_true", help="where the dump is made by other means")

    def handle(self, *_: Any, folder: Path, pg_dump: str, without_database: bool, **__: Any) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(folder.iterdir()):
            raise CommandError(f"{folder} is not empty")
        # The heads first: the events in the dump continue them.
        _write(folder / "audit-heads.txt", "".join(f"{head}\n" for head in chain_heads()))
        about = {"at": clock.now().isoformat()}
        if not without_database:
            name = _dump_postgresql(folder, pg_dump) if connection.vendor == "postgresql" else _copy_sqlite(folder)
            about |= {"database": name, "sha256": _sha256((folder / name).open("rb"))}
        entries = [json.dumps(entry) for entry in _stored_files()]
        _write(folder / "storage.jsonl", "".join(f"{entry}\n" for entry in entries))
        _write(folder / "backup.json", json.dumps(about, indent=2) + "\n")
        database = about.get("database", "Without the database")
        self.stdout.write(f"{database}; {len(entries):,} stored files are listed. The keys are not in the backup.")


def _write(path: Path, content: str) -> None:
    path.touch(mode=0o600)
    path.write_text(content, encoding="utf-8")


def _dump_postgresql(folder: Path, pg_dump: str) -> str:
    if shutil.which(pg_dump) is None:
        raise CommandError(f"{pg_dump} is not installed; name it with --pg-dump")
    given, name = connection.get_connection_params(), "database.dump"
    # In the environment: other users can read the arguments of a process, and one of these is the password.
    environment = {
        option.envvar.decode(): str(given[option.keyword.decode()])
        for option in Conninfo.get_defaults()
        if option.envvar and given.get(option.keyword.decode())
    }
    (folder / name).touch(mode=0o600)
    command = [pg_dump, "--format=custom", "--no-owner", f"--file={folder / name}"]
    done = subprocess.run(  # noqa: S603  the operator names the program
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CommandError(f"pg_dump failed: {done.stderr.strip()[-500:]}")
    return name


def _copy_sqlite(folder: Path) -> str:
    name = "database.sqlite3"
    (folder / name).touch(mode=0o600)
    source = sqlite3.connect(str(settings.DATABASES["default"]["NAME"]))
    target = sqlite3.connect(folder / name)
    try:
        source.backup(target)
    finally:
        source.close()
        target.close()
    return name


def _stored_files(folder: str = "") -> Iterator[dict[str, Any]]:
    """Yield name, size and hash of each stored file, except the publishing number, which no backup may contain."""
    try:
        folders, names = default_storage.listdir(folder)
    except FileNotFoundError:
        return  # nothing was stored yet
    for name in sorted(names):
        path = f"{folder}/{name}" if folder else name
        with suppress(FileNotFoundError):  # deleted meanwhile
            yield {"name": path, "size": default_storage.size(path), "sha256": _sha256(default_storage.open(path))}
    for name in sorted(folders):
        path = f"{folder}/{name}" if folder else name
        if path != hold.FOLDER:
            yield from _stored_files(path)


def _sha256(file: Any) -> str:
    digest = hashlib.sha256()
    with file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
