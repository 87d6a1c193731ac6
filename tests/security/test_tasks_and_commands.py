"""No task and no command approves, whatever it is told, and none changes more than its line says."""

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from dynamo.celery import app
from tests.security import endpoints
from tests.security.db_diff import Difference, rows
from tests.security.fixtures import Stage, raise_stage
from tests.security.tasks_and_commands import COMMANDS, TASKS


@pytest.fixture
def stage(db: None, sandbox: Any, seat: Any) -> Stage:
    return raise_stage(sandbox, seat)


def test_every_task_and_every_command_is_classified() -> None:
    hint = "say what it may change, in tests/security/tasks_and_commands.py"
    assert endpoints.tasks() == TASKS.keys(), hint
    assert endpoints.commands() == COMMANDS.keys(), hint


def judge(before: Any, allowed: frozenset[str], what: Any) -> None:
    changed = Difference.between(before, rows())
    assert (changed.approvals, changed.scheduled) == ([], []), what
    assert changed.tables <= allowed, (what, changed.tables - allowed)
    transaction.set_rollback(True)


def test_no_message_to_a_worker_approves_anything(stage: Stage, sandbox: Any) -> None:
    """Not even one that names a task id: before the instant, and without an approval, nothing goes out."""
    assert endpoints.tasks() == TASKS.keys()
    before, visible, orders = rows(), sandbox.posts, 0
    for name, task in TASKS.items():
        for side in (stage.home, stage.other):
            for order in task.orders(side):
                with transaction.atomic():
                    app.tasks[name](*order)
                    judge(before, task.changes, (name, order))
                orders += 1
    assert sandbox.posts == visible
    print(f"{len(TASKS)} tasks, {orders} orders: nothing approved, nothing live")


def test_no_command_approves_anything(stage: Stage, sandbox: Any) -> None:
    before, visible, typed = rows(), sandbox.posts, 0
    for name, command in COMMANDS.items():
        for words in () if command.instead else command.tries(stage):
            with transaction.atomic():
                try:
                    call_command(name, *words, stdout=io.StringIO(), stderr=io.StringIO())
                except CommandError:
                    assert name == "issue_key", (name, words)
                    assert words[-1] != "casa-editor"
                judge(before, command.changes, (name, words))
            typed += 1
    assert sandbox.posts == visible
    print(f"{len(COMMANDS)} commands, {typed} lines typed: nothing approved, nothing live")
