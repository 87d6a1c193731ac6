"""The hash chain: every change made directly in the database is found."""

import io
import json
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from accounts import clock
from accounts.domain import actors, audit_log, audit_verification
from accounts.models import AuditChainLink, AuditEvent
from tests.helpers import switch_truncate_triggers

pytestmark = pytest.mark.django_db


@contextmanager
def without_triggers():
    """Disable the triggers, as the owner of the database could."""
    owned = connection.vendor == "postgresql"
    tables = ("accounts_auditevent", "accounts_auditchainlink")
    with connection.cursor() as cursor:
        for table in tables if owned else ():
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield
        for table in tables if owned else ():
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


@pytest.fixture
def events(organization, other_organization):
    for number in range(5):
        details = {"content": {"n": number}, "odd": [1e22, -0.0, 0.1, 3.0]}
        digest = audit_log.canonical_sha256(details["content"])
        audit_log.record(
            actors.WORKER, f"step{number}", organization_id=organization.pk, subject="post:1", digest=digest, **details
        )
    audit_log.record(actors.WORKER, "other", organization_id=other_organization.pk, subject="post:2")
    assert audit_log.seal() == 6
    return list(AuditEvent.objects.filter(organization_id=organization.pk).order_by("id"))


def link_at(organization, position):
    return AuditChainLink.objects.get(organization_id=organization.pk, position=position)


def problems(organization):
    return list(audit_verification.find_tampering(organization.pk))


def verify(*arguments):
    """Return the exit status of `manage.py verify_audit_log` and what it printed."""
    out = io.StringIO()
    try:
        call_command("verify_audit_log", *arguments, stdout=out)
    except SystemExit as end:
        return end.code, out.getvalue()
    return 0, out.getvalue()


def test_unchanged_chain_is_intact(events):
    assert (
        list(audit_verification.find_tampering()),
        audit_log.seal(everything=True),
        AuditChainLink.objects.count(),
    ) == ([], 0, 6)
    assert verify() == (0, "The audit log is intact: 6 events.\n")


def test_seal_continues_the_chain(events, organization):
    audit_log.record(actors.WORKER, "later", organization_id=organization.pk, subject="post:1")
    assert audit_log.seal() == 1
    last = AuditChainLink.objects.filter(organization_id=organization.pk).latest("position")
    assert (last.position, last.previous) == (6, link_at(organization, 5).hash)


def test_seal_links_events_from_before_one_that_was_sealed_at_once(organization, monkeypatch):
    monkeypatch.setattr(audit_log, "RECENT", 0)
    for verb in ("create", "submit", "approve"):
        event = audit_log.record(actors.WORKER, verb, organization_id=organization.pk, subject=f"post:{uuid4()}")
    audit_log.seal_event(event)
    assert audit_log.seal() == 2
    assert problems(organization) == []


def test_altered_event_is_found(events, organization):
    with without_triggers():
        AuditEvent.objects.filter(pk=events[2].pk).update(actor_name="another name")
    named = f"event {events[2].pk} (seal 3 of organization {organization.pk}) was altered"
    assert problems(organization) == [named]
    assert verify() == (1, f"{named}\n")


def test_removed_event_is_found(events, organization):
    pk = events[1].pk
    with without_triggers():
        AuditEvent.objects.filter(pk=pk).delete()
    assert problems(organization) == [f"event {pk} (seal 2 of organization {organization.pk}) was removed"]


def test_removed_link_is_found(events, organization):
    with without_triggers():
        link_at(organization, 3).delete()
    assert problems(organization)[0] == f"seal 3 of organization {organization.pk} is missing"


def test_swapped_events_are_found(events, organization):
    first, second = link_at(organization, 1), link_at(organization, 2)
    with without_triggers():
        AuditChainLink.objects.filter(pk=first.pk).update(event_id=0)
        AuditChainLink.objects.filter(pk=second.pk).update(event_id=first.event_id)
        AuditChainLink.objects.filter(pk=first.pk).update(event_id=second.event_id)
    assert problems(organization) == [
        f"event {second.event_id} (seal 1 of organization {organization.pk}) was altered",
        f"event {first.event_id} (seal 2 of organization {organization.pk}) was altered",
    ]


def test_event_signed_with_another_key_is_found(events, organization, settings):
    real = settings.AUDIT_KEYS
    settings.AUDIT_KEYS = ["a guess"]
    forged = audit_log.record(actors.WORKER, "approve", organization_id=organization.pk, subject=f"post:{uuid4()}")
    audit_log.seal()
    settings.AUDIT_KEYS = real
    assert problems(organization) == [f"event {forged.pk} (seal 6 of organization {organization.pk}) was altered"]


def test_forged_event_is_found_before_and_after_sealing(events, organization):
    copy = AuditEvent.objects.get(pk=events[0].pk)
    copy.pk, copy.verb, copy.signature = None, "approve", "0" * 96
    copy.save(force_insert=True)
    assert "not written by Dynamo" in problems(organization)[0]
    audit_log.seal()
    assert problems(organization) == [
        f"event {copy.pk} (seal 6 of organization {organization.pk}) was not written by Dynamo"
    ]


def test_truncated_chain_is_found_with_stored_heads(events, organization, tmp_path):
    kept = tmp_path / "heads"
    assert verify("--keep", str(kept))[0] == 0
    last = link_at(organization, 5)
    with without_triggers():
        AuditEvent.objects.filter(pk=last.event_id).delete()
        last.delete()
    assert problems(organization) == []
    assert verify("--heads", str(kept)) == (
        1,
        f"the chain of organization {organization.pk} no longer reaches seal 5\n",
    )


def test_purge_leaves_an_intact_chain(events, organization):
    assert audit_log.purge(actors.WORKER, organization.pk, before=clock.now() + timedelta(seconds=1)) == 5
    audit_log.seal()
    left = AuditEvent.objects.get(organization_id=organization.pk)
    assert (left.verb, left.details["upTo"], problems(organization)) == ("forget", 5, [])


def test_removal_beyond_the_purge_is_found(events, organization):
    audit_log.purge(actors.WORKER, organization.pk, before=events[2].at)
    later = AuditEvent.objects.get(pk=events[3].pk)
    with without_triggers():
        later.delete()
    assert problems(organization) == [f"event {events[3].pk} (seal 4 of organization {organization.pk}) was removed"]


def test_new_audit_key_signs_and_the_old_one_verifies(events, organization, settings):
    settings.AUDIT_KEYS = ["new", *settings.AUDIT_KEYS]
    audit_log.record(actors.WORKER, "later", organization_id=organization.pk, subject="post:1")
    audit_log.seal()
    assert problems(organization) == []
    settings.AUDIT_KEYS = ["new"]
    assert len(problems(organization)) == 5


def test_export_writes_json_lines_with_links(events, organization):
    out = io.StringIO()
    call_command("export_audit_log", "--organization", organization.name, stdout=out)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["verb"] for line in lines] == [f"step{number}" for number in range(5)]
    assert [line["seal"]["position"] for line in lines] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("how", ["update", "delete", "truncate"])
@pytest.mark.parametrize("model", [AuditEvent, AuditChainLink])
def test_postgresql_refuses_changes_of_the_audit_log(events, model, how):
    rows = model.objects.filter(organization_id=events[0].organization_id)
    if connection.vendor != "postgresql":
        assert rows.count() == 5  # SQLite has no triggers: only verify_audit_log finds it there
        return
    switch_truncate_triggers("ENABLE")
    attempts = {
        "update": lambda: rows.update(organization_id=events[0].organization_id),
        "delete": rows.delete,
        "truncate": lambda: connection.cursor().execute(f"TRUNCATE {model._meta.db_table} CASCADE"),
    }
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        attempts[how]()
    assert rows.count() == 5
