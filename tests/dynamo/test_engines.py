"""The engines that the suite runs on, started and stopped for themselves."""

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.services.engines import PostgreSQL, Redis

pytestmark = pytest.mark.processes


def test_postgresql_keeps_its_data_and_its_port_across_a_kill() -> None:
    with PostgreSQL() as engine:
        with psycopg.connect(engine.url) as connection:
            connection.execute("CREATE TABLE kept (n int)")
            connection.execute("INSERT INTO kept VALUES (1)")
        engine.restart()
        with psycopg.connect(engine.url) as connection:
            assert connection.execute("SELECT n FROM kept").fetchall() == [(1,)]
        engine.kill()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(engine.url, connect_timeout=2)
    assert not engine.folder.exists()


def test_redis_answers_until_it_is_stopped() -> None:
    with Redis() as engine:
        assert engine.answers()
        engine.stop()
        assert not engine.answers()
        engine.start()
        assert engine.answers()
    assert not engine.folder.exists()


@pytest.fixture
def open_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder for temporary files, open to whoever PostgreSQL runs as."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        monkeypatch.setenv("TMPDIR", name)
        yield Path(name)


def test_a_terminated_run_leaves_no_process_and_no_folder(
    open_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "DYNAMO_VAR"):
        monkeypatch.delenv(name, raising=False)
    ready = tmp_path / "ready"
    script = f"import time, pathlib; pathlib.Path({str(ready)!r}).touch(); time.sleep(60)"
    run = subprocess.Popen([sys.executable, "-m", "tests.services.engines", "--", sys.executable, "-c", script])
    until = time.monotonic() + 30
    while not ready.exists() and time.monotonic() < until:
        time.sleep(0.05)
    children = psutil.Process(run.pid).children(recursive=True)
    assert len(children) > 3
    run.send_signal(signal.SIGTERM)
    assert run.wait(30) == 130
    assert psutil.wait_procs(children, timeout=5)[1] == []
    assert list(open_folder.iterdir()) == []


def test_the_command_gives_the_exit_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://someone-else")
    monkeypatch.setenv("REDIS_URL", "redis://someone-else")
    script = "import os, sys; sys.exit(7 if os.environ['DATABASE_URL'].endswith('someone-else') else 1)"
    command = [sys.executable, "-m", "tests.services.engines", "--", sys.executable, "-c", script]
    assert subprocess.run(command, check=False).returncode == 7
