"""One data folder and one Redis database for each pytest-xdist worker, set before settings are read.

pytest-django does the same for the database. `-p tests.plugins.isolation` loads it earlier than any conftest.
"""

import os
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import pytest


def part(worker: str, environment: dict[str, str]) -> dict[str, str]:
    """Return what `worker`, pytest-xdist's gw0, gw1, …, changes in its environment; nothing outside of a worker."""
    if not worker:
        return {}
    folder = Path(environment.get("DYNAMO_VAR") or tempfile.mkdtemp(prefix="dynamo-var-")) / worker
    changed = {"DYNAMO_VAR": str(folder)}
    if redis := environment.get("REDIS_URL"):
        given = urlsplit(redis)
        database = int(given.path.strip("/") or 0) + int(worker.removeprefix("gw"))
        changed["REDIS_URL"] = given._replace(path=f"/{database}").geturl()
    return changed


os.environ.update(part(os.environ.get("PYTEST_XDIST_WORKER", ""), dict(os.environ)))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have one part run all tests that start processes, one after the other: they need the machine."""
    for item in items:
        if item.get_closest_marker("processes"):
            item.add_marker(pytest.mark.xdist_group("processes"))
