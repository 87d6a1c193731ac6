"""Beat's scheduler remembers when the tasks ran, and goes on when it cannot."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.conf import settings

from dynamo.celery import app
from dynamo.celery_beat import Scheduler

pytestmark = pytest.mark.embedded
RAN = datetime(2026, 7, 1, 13, tzinfo=UTC)


def scheduler(path: Path) -> Scheduler:
    app.finalize()
    return Scheduler(app=app, schedule_filename=str(path))


def test_last_run_survives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "beat-schedule"
    before = scheduler(path)
    assert {"sweep", "retention"} <= set(before.schedule)
    before.schedule["retention"].last_run_at = RAN
    before.close()
    assert scheduler(path).schedule["retention"].last_run_at == RAN


@pytest.mark.parametrize("restarted", [True, False])
def test_task_runs_on_after_the_clock_is_set_back(tmp_path: Path, *, restarted: bool) -> None:
    path = tmp_path / "beat-schedule"
    with time_machine.travel(RAN + timedelta(hours=1), tick=False):
        beat = scheduler(path)
        beat.tick()
    with time_machine.travel(RAN, tick=False) as clock:
        if restarted:
            beat.close()
            beat = scheduler(path)
        beat.tick()
        assert beat.schedule["sweep"].total_run_count == 0
        clock.shift(settings.SWEEP_INTERVAL)
        while beat.tick() == 0:
            pass
        assert beat.schedule["sweep"].total_run_count == 1
        assert beat.schedule["retention"].last_run_at == RAN


@pytest.mark.parametrize("content", [b"", b"\x00\x01", b"[]", b'{"retention": "x"}', b'{"retention": 5}'])
def test_unreadable_file_is_ignored_and_replaced(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "beat-schedule"
    path.write_bytes(content)
    found = scheduler(path)
    found.sync()
    assert b"sweep" in path.read_bytes()


def test_file_that_cannot_be_written_stops_nothing_o11(caplog: pytest.LogCaptureFixture) -> None:
    """/dev/full is a device that is always full; a folder of that name cannot exist."""
    found = scheduler(Path("/dev/full/beat-schedule"))
    for _ in range(3):
        found.sync()
    found.close()
    assert [record.levelname for record in caplog.records if "cannot be written" in record.message] == ["ERROR"]
