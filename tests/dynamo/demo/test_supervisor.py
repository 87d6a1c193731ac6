"""The demo's processes start, start again after a crash, and leave no process behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.core.management.base import CommandError

from dynamo.demo import supervisor as module
from dynamo.demo.supervisor import Supervisor
from tests.services.processes import eventually

pytestmark = [pytest.mark.embedded, pytest.mark.processes]
# A process with a child that does not end by itself.
COMMAND = "import pathlib, subprocess; subprocess.Popen(['sleep', '60']); pathlib.Path('ready').touch()"
PROCFILE = f"""# comment
family: python -c "{COMMAND}; __import__('time').sleep(60)"
broken: python -c "raise SystemExit('the port is in use')"
"""


@pytest.fixture
def supervisor(tmp_path: Path) -> Any:
    (tmp_path / "Procfile").write_text(PROCFILE)
    supervisor = Supervisor(tmp_path / "Procfile", os.environ, tmp_path / "log")
    yield supervisor
    supervisor.stop()


def start_family(supervisor: Supervisor, folder: Path) -> list[psutil.Process]:
    """Start the process `family` and return it with its child."""
    supervisor.start("family")
    supervisor.wait_until("family", (folder / "ready").exists)
    parent = psutil.Process(supervisor.processes["family"].pid)
    return [parent, *parent.children(recursive=True)]


def test_stop_ends_the_children_of_a_process_too(supervisor: Supervisor, tmp_path: Path) -> None:
    processes = start_family(supervisor, tmp_path)
    assert len(processes) == 2
    supervisor.stop()
    assert psutil.wait_procs(processes, timeout=60)[1] == []


def test_restart_ended_after_a_crash_starts_the_process_again(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RESTART_INTERVAL", 0.5)
    processes = start_family(supervisor, tmp_path)
    assert list(supervisor.restart_ended()) == []
    os.kill(processes[0].pid, signal.SIGKILL)
    messages = eventually(lambda: list(supervisor.restart_ended()))
    assert messages == [f"family ended (-9) and was started again; see {tmp_path / 'log' / 'family.log'}"]
    assert psutil.wait_procs(processes, timeout=60)[1] == []
    assert supervisor.processes["family"].poll() is None


def test_wait_until_of_a_process_that_ends_raises_with_its_log(supervisor: Supervisor) -> None:
    supervisor.start("broken")
    with pytest.raises(CommandError, match="broken did not start:\nthe port is in use"):
        supervisor.wait_until("broken", lambda: False)


@pytest.mark.skipif(sys.platform != "linux", reason="uses prctl(PR_SET_PDEATHSIG), which only Linux has")
def test_processes_of_a_killed_supervisor_end(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("wait: sleep 60")
    script = (
        "import os, pathlib, time; from dynamo.demo.supervisor import Supervisor\n"
        f"folder = pathlib.Path({str(tmp_path)!r})\n"
        "supervisor = Supervisor(folder / 'Procfile', os.environ, folder / 'log'); supervisor.start('wait')\n"
        "(folder / 'pid').write_text(str(supervisor.processes['wait'].pid)); time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script])
    pid = int(eventually(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text()))
    orphan = psutil.Process(pid)
    parent.kill()
    parent.wait()
    assert psutil.wait_procs([orphan], timeout=60)[1] == []
