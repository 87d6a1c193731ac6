"""Compare what production installs with the published advisories: `python -m tests.audit FOLDER`, as `make audit` does.

pip-audit comes into an environment of its own in FOLDER: what judges the lock is not in the lock. A package with an
advisory fails. Advisories that cannot be reached fail nothing and are no pass either: it says NOT AUDITED. It ends
within LONGEST whatever the network does.
"""

import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LOCK = Path(__file__).resolve().parent.parent / "requirements" / "run.txt"
SERVICES = ("pypi", "osv")  # the first that knows every package is asked alone
LONGEST = 180.0  # seconds


@dataclass
class Found:
    """What a service said of the packages: the advisories by package, and the packages of which it said nothing."""

    looked: int = 0
    advisories: dict[str, list[str]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, answer: str) -> "Found":
        """Read pip-audit's JSON; what is none says nothing of anything."""
        try:
            packages: list[dict[str, Any]] = json.loads(answer)["dependencies"]
        except (ValueError, KeyError, TypeError):
            return cls()
        found = cls()
        for one in packages:
            if "skip_reason" in one:
                found.unknown.append(one["name"])
                continue
            found.looked += 1
            if one["vulns"]:
                name = f"{one['name']} {one['version']}"
                found.advisories[name] = [" ".join([each["id"], *each["aliases"]]) for each in one["vulns"]]
        return found

    @property
    def whole(self) -> bool:
        return self.looked > 0 and not self.unknown


def verdict(found: Found) -> tuple[int, str]:
    """Return the exit status, and what to say."""
    said = [f"{name}: {'; '.join(ids)}" for name, ids in sorted(found.advisories.items())]
    if not found.looked:
        said.append("NOT AUDITED: the advisories cannot be reached from here.")
    elif found.unknown:
        said.append(f"NOT AUDITED in whole: no word of {', '.join(found.unknown)}.")
    else:
        said.append(f"Audited: {found.looked} packages, {len(found.advisories)} of them with advisories.")
    return (1 if found.advisories else 0), "\n".join(said)


def run(words: list[str], until: float) -> str | None:
    """Return what a command wrote; None when it did not end in time, or could not be run."""
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=max(1.0, until - time.monotonic()), check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout


def audit(folder: Path) -> Found:
    """Ask one service after the other until one knows every package; return the most that was learnt."""
    until = time.monotonic() + LONGEST
    pip = [str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", "pip-audit"]
    run([sys.executable, "-m", "venv", str(folder)], until)
    run(pip, until)
    ask = [str(folder / "bin" / "pip-audit"), "--progress-spinner", "off", "--timeout", "10", "--format", "json"]
    best = Found()
    for service in SERVICES:
        answer = run([*ask, "-s", service, "--disable-pip", "--require-hashes", "-r", str(LOCK)], until)
        found = Found.read(answer or "")
        best = max(best, found, key=lambda one: one.looked)
        if best.whole:
            break
    return best


if __name__ == "__main__":
    status, said = verdict(audit(Path(sys.argv[1])))
    print(said)
    sys.exit(status)
