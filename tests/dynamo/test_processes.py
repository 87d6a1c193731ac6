"""That tests can have real workers, and that nothing of them stays."""

import psutil
import pytest

from accounts.models import Organization
from dynamo.celery import app
from tests.services.processes import ProcessGroup, eventually

pytestmark = [pytest.mark.embedded, pytest.mark.processes]


def test_a_worker_takes_what_was_sent_before_it_came_up(processes: ProcessGroup) -> None:
    app.send_task("scheduling.sweep")
    worker = processes.worker()
    eventually(lambda: "scheduling.sweep" in worker.said() and "succeeded" in worker.said(), what="a sweep")


def test_beat_sweeps_on_its_own(processes: ProcessGroup) -> None:
    worker = processes.worker(beat=True, DYNAMO_SWEEP_INTERVAL="0.2")
    eventually(lambda: worker.said().count("succeeded") >= 2, what="two sweeps")


def test_a_killed_worker_leaves_no_process(processes: ProcessGroup) -> None:
    worker = processes.worker(concurrency=2)
    pool = worker.children()
    assert len(pool) == 2
    worker.kill()
    assert psutil.wait_procs(pool, timeout=5)[1] == []


def test_processes_see_the_database_of_the_test(processes: ProcessGroup, organization: Organization) -> None:
    script = "import django; django.setup(); from accounts.models import *; print(Organization.objects.get().pk)"
    reader = processes.start("reader", ["-c", script], DJANGO_SETTINGS_MODULE="dynamo.settings")
    assert reader.popen.wait(60) == 0, reader.said()
    assert reader.said().strip() == str(organization.pk)
