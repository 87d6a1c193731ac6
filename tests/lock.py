"""Whether the lock is in step with pyproject.toml, found out without a network: `python -m tests.lock`.

Every requirement must be pinned to a version that it admits, and nothing may be pinned that nothing requires.
"""

import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def pins(path: Path) -> dict[str, Requirement]:
    """Return the requirements that a lock file pins for this machine, by canonical name."""
    lines = (line.rstrip("\\ ") for line in path.read_text(encoding="utf-8").splitlines() if "==" in line)
    found = [Requirement(line) for line in lines if not line.startswith(" ")]
    return {canonicalize_name(one.name): one for one in found if one.marker is None or one.marker.evaluate()}


def closure(wanted: Iterable[Requirement]) -> Iterator[Requirement]:
    """Yield every requirement that follows from `wanted`, by what the installed packages say of themselves."""
    waiting, seen = list(wanted), set()
    while waiting:
        one = waiting.pop()
        key = (canonicalize_name(one.name), frozenset(one.extras))
        yield one
        if key in seen:
            continue
        seen.add(key)
        try:
            lines = requires(one.name) or []
        except PackageNotFoundError:
            continue
        for line in lines:
            further = Requirement(line)
            if further.marker is None or any(further.marker.evaluate({"extra": e}) for e in {"", *one.extras}):
                waiting.append(further)


def problems(wanted: list[str], lock: Path) -> Iterator[str]:
    """Yield a sentence for each way in which `lock` does not fit what is wanted."""
    pinned, needed = pins(lock), set()
    for one in closure(map(Requirement, wanted)):
        name = canonicalize_name(one.name)
        needed.add(name)
        version = next((spec.version for spec in pinned[name].specifier), None) if name in pinned else None
        if version is None:
            yield f"{lock}: {one} is not pinned"
        elif not one.specifier.contains(version, prereleases=True):
            yield f"{lock}: {one.name}=={version} does not satisfy {one}"
    for name in sorted(set(pinned) - needed):
        yield f"{lock}: nothing requires {name}"


def main() -> int:
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    run = project["project"]["dependencies"]
    dev = run + project["dependency-groups"]["dev"]
    found = [*problems(run, Path("requirements/run.txt")), *problems(dev, Path("requirements/dev.txt"))]
    run_pins, dev_pins = pins(Path("requirements/run.txt")), pins(Path("requirements/dev.txt"))
    found += [f"{name} differs between the lock files" for name in run_pins if dev_pins.get(name) != run_pins[name]]
    for line in found:
        print(line)
    print("the lock is out of step: run `make lock`" if found else "the lock is in step")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
