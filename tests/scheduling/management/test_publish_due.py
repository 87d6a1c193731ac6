"""`manage.py publish_due`: what would go, and publishing without a broker."""

import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command

from accounts import clock
from posts.models import Channel
from scheduling.domain.publishing import stage
from scheduling.models import Delivery, ScheduledPost
from tests.scheduling.admin.test_list import dump
from tests.services.processes import ProcessGroup, eventually

pytestmark = [pytest.mark.embedded, pytest.mark.django_db]


def run(*words: str) -> str:
    out = StringIO()
    call_command("publish_due", *words, stdout=out)
    return out.getvalue()


def later(seconds: float) -> Any:
    return clock.now() + timedelta(seconds=seconds)


def test_a_dry_run_says_what_would_go_and_changes_nothing(
    make_scheduled: Any, sandbox: Any, facebook: Channel, instagram: Channel
) -> None:
    soon, far = make_scheduled(scheduled_for=later(100)), make_scheduled(scheduled_for=later(9000))
    Channel.objects.filter(pk=instagram.pk).update(state="NEEDS_RECONNECT")
    stage.prestage(str(soon.pk))
    obstacle = f"CHANNEL_NEEDS_RECONNECT: {instagram.name} needs to be connected again."
    before = dump()
    said = run("--dry-run", "--within", "3600")
    assert dump() == before
    assert str(far.pk) not in said
    assert re.sub(r"in \d+ s", "in N s", said).splitlines() == [
        f"{soon.scheduled_for:%Y-%m-%d %H:%M:%S} UTC (in N s)  {soon.pk}",
        "    gate: open",
        f"    {facebook.public_id} {facebook.name}: staged; goes out",
        f"    {instagram.public_id} {instagram.name}: not staged; {obstacle}",
        "1 of 1 would go.",
    ]
    assert sandbox.posts == []


def test_a_dry_run_says_what_the_gate_says(make_scheduled: Any, facebook: Channel) -> None:
    post = make_scheduled(scheduled_for=later(100), channels=[facebook])
    Delivery.objects.filter(post=post).update(caption="Swapped")
    said = run("--dry-run", "--within", "200")
    assert "    gate: CHANGED: The content is no longer what was approved; it was not sent.\n" in said
    assert "not staged; held by the gate\n0 of 1 would go." in said


def test_a_dry_run_says_that_it_is_too_late(make_scheduled: Any, settings: Any) -> None:
    post = make_scheduled()
    with time_machine.travel(post.scheduled_for + timedelta(seconds=settings.MAX_LATENESS_SECONDS + 5), tick=False):
        said = run("--dry-run")
        assert "905 s ago" in said
        assert "gate: MISSED: Its instant passed" in said


def by_hand(processes: ProcessGroup, *words: str) -> str:
    """Run the command as a process that no broker answers; return what it printed, without its log."""
    one = processes.start("due", ["manage.py", "publish_due", *words], REDIS_URL="redis://127.0.0.1:1/0")
    assert one.popen.wait(60) == 0, one.said()
    return "\n".join(line for line in one.said().splitlines() if " WARNING " not in line)


@pytest.mark.processes
def test_without_a_broker_it_publishes_what_is_due_and_nothing_else(
    processes: ProcessGroup, make_scheduled: Any, sandbox: Any
) -> None:
    due, coming = make_scheduled(scheduled_for=later(2)), make_scheduled(scheduled_for=later(600))
    assert by_hand(processes, "--dry-run", "--within", "100").endswith("1 of 1 would go.")
    eventually(lambda: clock.now() > due.scheduled_for)
    assert by_hand(processes) == f"{due.pk}  published"
    assert by_hand(processes) == "Nothing is due."
    assert len(sandbox.posts) == 2
    assert ScheduledPost.objects.get(pk=coming.pk).status == "SCHEDULED"


def test_it_goes_on_with_what_a_dead_worker_left(make_scheduled: Any, sandbox: Any, facebook: Channel) -> None:
    post = make_scheduled(channels=[facebook], scheduled_for=later(60))
    sandbox.fault("POST .*/feed", "drop_after")
    with time_machine.travel(post.scheduled_for + timedelta(seconds=1), tick=True) as clock_:
        said = run().splitlines()
        assert said == [f"{post.pk}  pending", "What is pending goes on when this runs again in a few seconds."]
        clock_.shift(5)
        assert run() == f"{post.pk}  published\n"
        assert len(sandbox.posts) == 1


def test_only_a_dry_run_looks_ahead() -> None:
    with pytest.raises(CommandError, match="dry-run"):
        run("--within", "60")
