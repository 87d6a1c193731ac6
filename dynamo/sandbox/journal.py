"""A file with a JSON line for each change of a node; the last line of an id counts. It survives a killed process."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from dynamo.sandbox.models import TABLES, Node


class Journal:
    """With `folder` None nothing is stored."""

    def __init__(self, folder: Path | None) -> None:
        self._path = folder / "journal.jsonl" if folder else None
        self._file = None
        if self._path:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._remove_incomplete_line()
            self._file = self._path.open("a", encoding="utf-8")
            self._path.chmod(0o600)  # it contains tokens

    def _remove_incomplete_line(self) -> None:
        """Remove an incomplete last line, which a killed process leaves."""
        if self._path and self._path.exists():
            kept = self._path.read_bytes()
            whole = kept[: kept.rfind(b"\n") + 1]
            if whole != kept:
                self._path.write_bytes(whole)

    def load(self) -> Iterator[Node]:
        if self._path:
            with self._path.open(encoding="utf-8") as lines:
                for line in lines:
                    entry = json.loads(line)
                    yield TABLES[entry["table"]](**entry["row"])

    def append(self, node: Node) -> None:
        if self._file and not self._file.closed:
            line = json.dumps({"table": type(node).__name__, "row": asdict(node)}, separators=(",", ":"))
            self._file.write(line + "\n")
            self._file.flush()

    def clear(self) -> None:
        if self._file:
            self._file.truncate(0)

    def close(self) -> None:
        if self._file:
            self._file.close()
