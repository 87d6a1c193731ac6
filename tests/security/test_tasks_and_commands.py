"""No task and no command approves a post, and none changes other tables than its entry names.

A task takes no credentials: a client that can write to the broker can order it with any arguments.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.management import CommandError, call_command, get_commands
from django.db import transaction

from dynamo.celery import app
from scheduling.models import NotificationDelivery
from tests.security.db_diff import Difference, all_rows, captured_sql, rows_after
from tests.security.fixtures import STATES, Scenario, Tenant
from tests.services.sandbox import SandboxControl

pytestmark = pytest.mark.django_db


app.loader.import_default_modules()  # registers the tasks
AUDIT = {"accounts.AuditEvent", "accounts.AuditChainLink"}
NOTIFICATIONS = {"scheduling.Notification", "scheduling.NotificationDelivery"}
PUBLISH = {"scheduling.ScheduledPost", "scheduling.Delivery", "scheduling.Attempt", "posts.PublishedPost"}
PUBLISH |= NOTIFICATIONS | AUDIT | {"scheduling.Event", "scheduling.PublishingState"}
SYNC = {"posts.PublishedPost", "posts.ChannelSync", "posts.Channel", *AUDIT}
ARCHIVED = {"ScheduledPost", "Delivery", "Attempt", "Approval", "PostAuthor", "MediaItem"}
NIL = "00000000-0000-0000-0000-000000000000"
Arguments = Callable[[Tenant], Sequence[Sequence[Any]]]


@dataclass(frozen=True)
class Entry:
    """`changes`: the tables that may change. `arguments`: what is tried, by tenant; None for what is not run here."""

    changes: set[str]
    arguments: Arguments | None = lambda _tenant: [()]


def each_post(*more: Any) -> Arguments:
    return lambda tenant: [(tenant.ids[state], *more) for state in STATES]


def channel(tenant: Tenant) -> Sequence[Sequence[Any]]:
    return [(tenant.channel.pk,)]


TASKS: dict[str, Entry] = {
    "scheduling.publish": Entry(PUBLISH, each_post(NIL)),
    "scheduling.resume": Entry(PUBLISH, each_post()),
    "scheduling.stage": Entry(PUBLISH, each_post()),
    "scheduling.cancel": Entry(set(), lambda _tenant: [(NIL,)]),
    "scheduling.discard": Entry(set(), lambda _tenant: [(pk,) for pk in range(1, 4)]),
    "scheduling.inspect_media": Entry({"scheduling.ScheduledPost", "posts.MediaFile", *AUDIT}, each_post(1)),
    "posts.copy_thumbnails": Entry({"posts.PublishedPost"}),
    "posts.delete_expired_logins": Entry({"posts.FacebookLogin"}),
    "accounts.delete_expired_idempotency_keys": Entry({"accounts.IdempotencyKey"}),
    "posts.delete_unused_media": Entry({"posts.PublishedPost", "posts.MediaFile"}),
    "scheduling.examine_channel": Entry({"scheduling.ChannelCheck", "posts.Channel", *AUDIT}, channel),
    "scheduling.fill_permalinks": Entry({"scheduling.Delivery", "posts.PublishedPost"}),
    "scheduling.link_imported": Entry({"scheduling.Delivery", "posts.PublishedPost"}),
    "scheduling.delete_old": Entry({"scheduling.Notification", "scheduling.NotificationDelivery", "scheduling.Event"}),
    "scheduling.heartbeat": Entry({"scheduling.WorkerHeartbeat"}, lambda _: [("media",), ("publishing",), ("",)]),
    "scheduling.sweep": Entry({"scheduling.WorkerHeartbeat", "accounts.ApiKey", *PUBLISH}),
    "scheduling.deliver_notification": Entry(
        NOTIFICATIONS, lambda _tenant: [(pk,) for pk in NotificationDelivery.objects.values_list("pk", flat=True)]
    ),
    "posts.sync_channel": Entry(SYNC, channel),
    "posts.sync_due": Entry(SYNC),
    "posts.refresh_post": Entry({"posts.PublishedPost"}, lambda tenant: [(int(tenant.ids["live"]),), (10**9,)]),
    "posts.subscribe_channel": Entry({"posts.Channel"}, channel),
    "posts.subscribe_channels": Entry({"posts.Channel"}),
    "accounts.send_password_reset": Entry(
        set(), lambda tenant: [([user.pk for user in tenant.users.values()],), ([10**9],), ([],)]
    ),
}
DEMO = {"Organization", "User", "Membership", "ApiKey"}
REFUSED = {
    ("subscribe_webhooks", ""),  # without the settings of webhooks
    ("doctor", "--meta"),  # without the settings of the Meta app
    ("archive_posts", "90"),  # publishing is held: the scenario has attempts and no publishing number
    *(("create_api_key", person) for person in ("casa-viewer", "rival-chief", "root")),
    *(("setup", person) for person in ("rival-chief", "new")),  # the organization has an administrator
    *(("confirm_member", person) for person in ("casa-editor", "root")),  # no invitation waits for a confirmation
}
COMMANDS: dict[str, Entry] = {
    "create_api_key": Entry(
        {"accounts.ApiKey", *AUDIT},
        lambda tenant: [
            ("--organization", tenant.organization.name, "--name", "new", "--issued-by", person)
            for person in ("casa-editor", "casa-viewer", "rival-chief", "root")
        ],
    ),
    "confirm_member": Entry(
        {"accounts.Invitation", *AUDIT}, lambda tenant: [(tenant.organization.name, "casa-editor"), ("Casa", "root")]
    ),
    "export_audit_log": Entry(set()),
    "verify_audit_log": Entry(set()),
    "archive_posts": Entry(
        PUBLISH | {f"scheduling.{name}" for name in ARCHIVED},
        lambda tenant: [("--older-than", "90", "--dry-run"), (tenant.organization.name, "--older-than", "90")],
    ),
    "purge_audit_log": Entry(AUDIT, lambda tenant: [(tenant.organization.name, "2020-01-01")]),
    "reencrypt_secrets": Entry(
        {"accounts.ApiKey", "accounts.IdempotencyKey", "posts.Channel", "posts.FacebookLogin", "scheduling.Webhook"}
    ),
    "publish_due": Entry(PUBLISH, lambda _: [("--dry-run",), ("--dry-run", "--within", "7200"), ()]),
    "after_restore": Entry(PUBLISH, lambda _: [("--dry-run", "--hold", "a snapshot")]),
    "pause_publishing": Entry(PUBLISH, lambda _: [("--reason", "A crisis"), ("--resume",)]),
    "backup": Entry(set(), None),  # reads only, and writes files: tests.dynamo.test_backup
    "subscribe_webhooks": Entry({"posts.Channel"}),
    "sync_channel": Entry(SYNC, lambda tenant: [(tenant.ids["wire"],)]),
    "seed_demo": Entry(
        {
            "posts.Channel",
            "posts.SuperpowerTemplate",
            "scheduling.MediaItem",
            "scheduling.PostAuthor",
            *(f"accounts.{name}" for name in DEMO),
            *PUBLISH,
        }
    ),
    "migrate": Entry(set(), lambda _: [("--plan",)]),
    "doctor": Entry(set(), lambda _: [("--meta",), ("--only", "keys"), ("--only", "migrations")]),
    "setup": Entry(
        {"accounts.Organization", "accounts.User", "accounts.Membership", *AUDIT},
        lambda tenant: [
            ("--no-input", "--organization", tenant.organization.name, "--username", person)
            for person in ("casa-chief", "rival-chief", "new")
        ],
    ),
    "lifecycle": Entry(set()),
    "openapi": Entry(set(), lambda _: [("--check",)]),
    "demo": Entry(set(), None),  # runs until it is stopped; its reviewer uses the admin: tests.smoke
    "sandbox": Entry(set(), None),  # the stand-in of the platform does not use the database
}


def test_every_task_and_command_has_an_entry() -> None:
    assert {name for name in app.tasks if not name.startswith("celery.")} == TASKS.keys()
    own = ("accounts", "posts", "scheduling", "dynamo")
    assert {name for name, package in get_commands().items() if str(package).split(".")[0] in own} == COMMANDS.keys()


def run_and_check(run: Callable[[], object], entry: Entry, sandbox: SandboxControl, what: object) -> None:
    before, published = all_rows(), sandbox.posts
    with transaction.atomic():
        with captured_sql() as statements:
            run()
        difference = Difference(before, rows_after(statements, before))
        transaction.set_rollback(True)
    assert (difference.approvals, difference.scheduled) == ([], []), what
    assert difference.tables <= entry.changes, what
    assert sandbox.posts == published, what


@pytest.mark.parametrize("name", TASKS)
def test_task_with_any_arguments_approves_nothing(
    scenario: Scenario, sandbox_server: SandboxControl, name: str
) -> None:
    """Not even with a task id: without an approval, or before the scheduled time, nothing is published."""
    for tenant in (scenario.home, scenario.other):
        for arguments in TASKS[name].arguments(tenant):
            run_and_check(lambda it=arguments: app.tasks[name](*it), TASKS[name], sandbox_server, arguments)


@pytest.mark.parametrize("name", [name for name, entry in COMMANDS.items() if entry.arguments])
def test_command_approves_nothing(scenario: Scenario, sandbox_server: SandboxControl, name: str) -> None:
    for words in COMMANDS[name].arguments(scenario.home):

        def run(words: Sequence[str] = words) -> None:
            try:
                call_command(name, *words, stdout=io.StringIO(), stderr=io.StringIO())
            except CommandError:
                assert (name, words[-1] if words else "") in REFUSED

        run_and_check(run, COMMANDS[name], sandbox_server, words)
