"""Files of archived posts in the storage: gzip, with one post as JSON on each line.

An audit event of the organization names each file with its SHA-256. A file without an event is one of a run that was
killed: its posts are still in the database, or in another file.
"""

import gzip
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any
from uuid import UUID

from django.core.files.base import File
from django.core.files.storage import default_storage

from accounts.domain import audit_log
from accounts.models import AuditEvent

FOLDER, VERB = "archive", "archive"
CHUNK = 1024 * 1024


class Damaged(Exception):
    """The storage lacks the file, or has other bytes than those with the recorded SHA-256. The message names it."""


def write(folder: str, lines: Iterable[bytes]) -> dict[str, str]:
    """Store the lines and return {"file", "sha256"}, after the stored file was read back and compared.

    Raises Damaged. Never replaces a file: the same lines use the complete file of a killed run, and beside an
    incomplete one the storage chooses another name.
    """
    with TemporaryFile() as packed:
        with gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0) as file:  # the same bytes each time
            file.writelines(lines)
        sha256 = _sha256(packed)
        stored = {"file": f"{FOLDER}/{folder}/{sha256}.jsonl.gz", "sha256": sha256}
        with suppress(Damaged):
            _open(stored).close()
            return stored
        packed.seek(0)
        stored["file"] = default_storage.save(stored["file"], File(packed))
    _flush_to_disk(stored["file"])
    _open(stored).close()
    return stored


def read(stored: dict[str, str]) -> Iterator[bytes]:
    """Yield the lines of a file. Raises Damaged before the first line."""
    with _open(stored) as packed, gzip.GzipFile(fileobj=packed) as lines:
        yield from lines


def events(organization_id: UUID) -> list[AuditEvent]:
    """Return the authentic events that name the organization's files, oldest first."""
    rows = AuditEvent.objects.filter(
        organization_id=organization_id, verb=VERB, subject=f"organization:{organization_id}"
    )
    return [event for event in rows.order_by("pk") if audit_log.is_authentic(event)]


def archived_approvals(organization_id: UUID) -> tuple[dict[int, dict[str, Any]], list[str]]:
    """Return the archived approvals by id, and a sentence for each file that cannot be read. Reads every file."""
    approvals, problems = {}, []
    for event in events(organization_id):
        for stored in event.details["files"]:
            try:
                for line in read(stored):
                    approvals.update({row["id"]: row for row in json.loads(line)["approvals"]})
            except Damaged as error:
                problems.append(f"{error}, which event {event.pk} names")
    return approvals, problems


def _open(stored: dict[str, str]) -> IO[bytes]:
    """Return a local copy of the file whose hash was compared."""
    copy = TemporaryFile()  # noqa: SIM115  the caller closes it
    try:
        with default_storage.open(stored["file"]) as file:
            for chunk in file.chunks(CHUNK):
                copy.write(chunk)
    except FileNotFoundError:
        copy.close()
        raise Damaged(f"the archive file {stored['file']} is missing") from None
    if _sha256(copy) != stored["sha256"]:
        copy.close()
        raise Damaged(f"the archive file {stored['file']} was altered")
    copy.seek(0)
    return copy


def _sha256(file: IO[bytes]) -> str:
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def _flush_to_disk(name: str) -> None:
    """Write a local file and its name to the disk, before its posts are deleted; an object storage has done so."""
    with suppress(NotImplementedError):
        path = Path(default_storage.path(name))
        for each in (path, *path.parents[:4]):
            descriptor = os.open(each, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)
