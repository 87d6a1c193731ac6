"""The demo's processes come up, come back, and leave nothing."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from dynamo.demo.children import Child, ChildFailed
from tests.services.processes import eventually

pytestmark = [pytest.mark.embedded, pytest.mark.processes]
# A process with a child of its own, which says when both are there.
FAMILY = """
import pathlib, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
pathlib.Path(sys.argv[1]).touch()
time.sleep(60)
"""


def family(folder: Path) -> Child:
    ready = folder / "ready"
    command = [sys.executable, "-c", FAMILY, str(ready)]
    return Child("family", command, environment=os.environ, log=folder / "log" / "family.log", ready=ready.exists)


def everyone(child: Child) -> list[psutil.Process]:
    assert child.process is not None
    parent = psutil.Process(child.process.pid)
    return [parent, *parent.children(recursive=True)]


def test_stopping_a_child_ends_its_whole_family(tmp_path: Path) -> None:
    child = family(tmp_path)
    child.start()
    child.wait_until_ready()
    people = everyone(child)
    assert len(people) == 2
    child.ask_to_stop()
    child.stop()
    assert psutil.wait_procs(people, timeout=5)[1] == []


def test_a_child_that_dies_is_started_again_after_a_pause(tmp_path: Path) -> None:
    child = family(tmp_path)
    child.start()
    child.wait_until_ready()
    people = everyone(child)
    assert child.revive() is None
    os.kill(people[0].pid, signal.SIGKILL)
    line = eventually(child.revive)
    assert line == f"family ended (-9), starting it again in 2 s; see {child.log}"
    assert psutil.wait_procs(people, timeout=5)[1] == []
    assert child.revive() is None
    assert eventually(child.revive) == "family started again"
    assert not child.gone
    child.ask_to_stop()
    child.stop()


def test_a_child_that_cannot_start_says_why(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('the port is taken')"]
    child = Child("web", command, environment=os.environ, log=tmp_path / "web.log", ready=lambda: False)
    child.start()
    with pytest.raises(ChildFailed, match="web did not start:\nthe port is taken"):
        child.wait_until_ready()
    child.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="other kernels do not tell children that their parent died")
def test_a_supervisor_that_is_killed_takes_its_children_along(tmp_path: Path) -> None:
    script = (
        "import os, pathlib, sys, time; from dynamo.demo.children import Child\n"
        f"folder = pathlib.Path({str(tmp_path)!r})\n"
        "wait = [sys.executable, '-c', 'import time; time.sleep(60)']\n"
        "child = Child('wait', wait, environment=os.environ, log=folder / 'log', ready=lambda: True)\n"
        "child.start(); (folder / 'pid').write_text(str(child.process.pid)); time.sleep(60)\n"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", script])
    pid = int(eventually(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text()))
    orphan = psutil.Process(pid)
    supervisor.kill()
    supervisor.wait()
    assert psutil.wait_procs([orphan], timeout=5)[1] == []
