"""`manage.py publish_due`: dry run, and publishing without a broker."""

import re
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command

from accounts import clock
from posts.models import Channel
from scheduling.domain.publishing import hold, stage
from scheduling.models import Delivery, ScheduledPost
from tests.security.db_diff import all_rows
from tests.services.processes import ProcessGroup, eventually

pytestmark = pytest.mark.django_db


def run(*words: str) -> str:
    out = StringIO()
    call_command("publish_due", *words, stdout=out)
    return out.getvalue()


def later(seconds: float) -> Any:
    return clock.now() + timedelta(seconds=seconds)


def test_dry_run_lists_due_posts_and_changes_nothing(
    make_scheduled, sandbox, facebook: Channel, instagram: Channel
) -> None:
    soon, far = make_scheduled(scheduled_for=later(100)), make_scheduled(scheduled_for=later(9000))
    Channel.objects.filter(pk=instagram.pk).update(state="NEEDS_RECONNECT")
    stage.prestage(str(soon.pk))
    obstacle = f"CHANNEL_NEEDS_RECONNECT: {instagram.name} needs to be connected again."
    before = all_rows()
    output = run("--dry-run", "--within", "3600")
    assert all_rows() == before
    assert str(far.pk) not in output
    assert re.sub(r"in \d+ s", "in N s", output).splitlines() == [
        f"{soon.scheduled_for:%Y-%m-%d %H:%M:%S} UTC (in N s)  {soon.pk}",
        "    gate: open",
        f"    {facebook.public_id} {facebook.name}: staged; would be published",
        f"    {instagram.public_id} {instagram.name}: not staged; {obstacle}",
        "1 of 1 would be published.",
    ]
    assert sandbox.posts == []


def test_dry_run_of_changed_content_reports_the_gate(make_scheduled, facebook: Channel) -> None:
    post = make_scheduled(scheduled_for=later(100), channels=[facebook])
    Delivery.objects.filter(post=post).update(caption="Swapped")
    output = run("--dry-run", "--within", "200")
    assert "    gate: CHANGED: The content is no longer what was approved; it was not sent.\n" in output
    assert "not staged; refused by the gate\n0 of 1 would be published." in output


def test_dry_run_past_the_late_limit_reports_missed(make_scheduled, settings) -> None:
    post = make_scheduled()
    with time_machine.travel(post.scheduled_for + timedelta(seconds=settings.MAX_LATENESS_SECONDS + 5), tick=False):
        output = run("--dry-run")
        assert "905 s ago" in output
        assert "gate: MISSED: " in output


def run_without_broker(processes: ProcessGroup, *words: str) -> str:
    """Run the command as a process without a broker; return its output without log lines."""
    process = processes.start("due", ["manage.py", "publish_due", *words], REDIS_URL="redis://127.0.0.1:1/0")
    assert process.popen.wait(240) == 0, process.output()
    return "\n".join(line for line in process.output().splitlines() if " WARNING " not in line and " INFO " not in line)


@pytest.mark.processes
def test_publish_due_without_a_broker_publishes_due_posts_only(
    processes: ProcessGroup, make_scheduled, sandbox
) -> None:
    due, coming = make_scheduled(scheduled_for=later(20)), make_scheduled(scheduled_for=later(600))
    assert run_without_broker(processes, "--dry-run", "--within", "100").endswith("1 of 1 would be published.")
    eventually(lambda: clock.now() > due.scheduled_for)
    assert run_without_broker(processes) == f"{due.pk}  published"
    assert run_without_broker(processes) == "Nothing is due."
    assert len(sandbox.posts) == 2
    assert ScheduledPost.objects.get(pk=coming.pk).status == "SCHEDULED"


def test_publish_due_resumes_an_abandoned_post(make_scheduled, sandbox, facebook: Channel) -> None:
    post = make_scheduled(channels=[facebook], scheduled_for=later(60))
    sandbox.fault("POST .*/feed", "drop_after")
    with time_machine.travel(post.scheduled_for + timedelta(seconds=1), tick=True) as clock_:
        output = run().splitlines()
        assert output == [f"{post.pk}  pending", "Pending deliveries continue on the next run."]
        clock_.shift(5)
        assert run() == f"{post.pk}  published\n"
        assert len(sandbox.posts) == 1


def test_within_without_dry_run_is_an_error() -> None:
    with pytest.raises(CommandError, match="dry-run"):
        run("--within", "60")


@pytest.mark.parametrize("words", [(), ("--dry-run",)])
def test_publish_due_while_the_storage_does_not_answer_is_a_command_error(
    make_scheduled, sandbox, facebook: Channel, words: tuple[str, ...]
) -> None:
    post = make_scheduled(scheduled_for=later(100), channels=[facebook])
    marker = hold._name(hold.current().installation)
    Path(default_storage.path(marker)).write_text("not JSON", encoding="ascii")
    hold._seen.clear()
    with time_machine.travel(post.scheduled_for + timedelta(seconds=1)), pytest.raises(CommandError, match="storage"):
        run(*words)
    assert sandbox.posts == []
