"""deploy/rolling-restart.sh with other programs in place of systemd and Docker, which write down what it asks for."""

import os
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

# An instance is healthy after its restart, or when a file says so. `sleep` takes no time.
SYSTEMCTL = """
case $1 in
    list-units) for unit in $UNITS; do echo "$unit.service loaded active running Dynamo"; done | grep "^${4%@*}@" ;;
    restart) echo "$2" $(ls $DRAIN) >> $FOLDER/log; touch "$FOLDER/healthy-${2#*@}" ;;
esac
"""
RUNUSER = """
case $* in
    *DYNAMO_BIND=127.0.0.1:800*) number=${*#*DYNAMO_BIND=127.0.0.1:800}; [ -e "$FOLDER/healthy-${number%%[!0-9]*}" ] ;;
    *) exit 0 ;;
esac
"""
DOCKER = """
shift 3
case "$1 $2 $3" in
    "ps --services "*) printf '%s\\n' $UNITS ;;
    "ps -q "*) for container in $CONTAINERS; do echo $container; done ;;
    "exec -T proxy") exec "$4" "$5" "$6" ;;
    "exec -T "*) exit 0 ;;
    up*) echo "$@" >> $FOLDER/log ;;
esac
"""


def run_script(
    folder: Path, kind: str, units: str, *, healthy: str = "12", drained: str = "", containers: int = 1
) -> tuple[int, list[str]]:
    """Run the script; return its status and what was restarted, with the drain files of that moment."""
    programs, drain, script = folder / "programs", folder / "drain", folder / "rolling-restart.sh"
    for created in (programs, drain):
        created.mkdir()
    for name, content in (("systemctl", SYSTEMCTL), ("runuser", RUNUSER), ("docker", DOCKER), ("sleep", "exit 0")):
        (programs / name).write_text(f"#!/bin/sh\n{content}")
        (programs / name).chmod(0o700)
    for number in healthy:
        (folder / f"healthy-{number}").touch()
    for number in drained:
        (drain / f"drain-{number}").touch()
    text = (Path(settings.BASE_DIR) / "deploy/rolling-restart.sh").read_text()
    assert "/run/dynamo" in text
    script.write_text(text.replace("/run/dynamo", str(drain)))
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "FOLDER": str(folder),
        "DRAIN": str(drain),
        "UNITS": units,
        "CONTAINERS": "c " * containers,
    }
    command = ["sh", script, kind]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert not list(drain.iterdir()), done.stderr
    log = folder / "log"
    return done.returncode, log.read_text().splitlines() if log.exists() else []


def test_rolling_restart_of_more_workers_restarts_each_systemd(tmp_path: Path) -> None:
    units = "dynamo-web@1 dynamo-web@2 dynamo-worker@1 dynamo-worker@2 dynamo-worker@10 dynamo-beat"
    assert run_script(tmp_path, "systemd", units) == (0, [
        "dynamo-web@1 drain-1", "dynamo-web@2 drain-2", "dynamo-worker@1", "dynamo-worker@2", "dynamo-worker@10",
        "dynamo-background", "dynamo-beat",
    ])  # fmt: skip


@pytest.mark.parametrize(("containers", "scale"), [(0, 1), (1, 1), (3, 3)])
def test_rolling_restart_of_more_workers_restarts_each_compose(tmp_path: Path, containers: int, scale: int) -> None:
    units = "background beat broker database proxy web-1 web-2 worker-1 worker-2 worker-3"
    status, log = run_script(tmp_path, "compose", units, containers=containers)
    assert status == 0
    assert [line.split()[-1] for line in log] == [
        "web-1", "web-2", "worker-1", "worker-2", "worker-3", "background", "beat",
    ]  # fmt: skip
    assert f"--scale background={scale} background" in log[-2]


@pytest.mark.parametrize(
    ("healthy", "drained", "order"),
    [
        ("12", "2", ["dynamo-web@1 drain-1", "dynamo-web@2 drain-2"]),
        ("1", "2", ["dynamo-web@2 drain-2", "dynamo-web@1 drain-1"]),
        ("", "1", ["dynamo-web@1 drain-1", "dynamo-web@2 drain-2"]),
    ],
)
def test_rolling_restart_after_an_interrupted_one_keeps_a_healthy_web_server(
    tmp_path: Path, healthy: str, drained: str, order: list[str]
) -> None:
    """New requests never go to the instance that is being restarted, and an unhealthy one is restarted first."""
    status, log = run_script(tmp_path, "systemd", "dynamo-web@1 dynamo-web@2", healthy=healthy, drained=drained)
    assert (status, log[:2]) == (0, order)


def test_rolling_restart_without_a_running_web_server_is_refused(tmp_path: Path) -> None:
    assert run_script(tmp_path, "systemd", "dynamo-worker@1") == (1, [])
