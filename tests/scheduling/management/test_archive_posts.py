"""`manage.py archive_posts`: what it refuses, its dry run, and kill -9 before and while it deletes."""

import json
import re
from datetime import timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from accounts import clock
from accounts.domain import audit_verification
from accounts.domain.actors import WORKER
from accounts.models import AuditEvent
from scheduling.domain import archive, archive_files
from scheduling.domain.publishing import hold
from scheduling.models import Approval, Attempt, Delivery, DeliveryState, PostAuthor, ScheduledPost
from tests.helpers import has_waiting_lock
from tests.security.db_diff import all_rows
from tests.services.processes import Process, ProcessGroup, eventually

pytestmark = pytest.mark.django_db
OLD = timedelta(days=120)


def run(*words: str) -> str:
    out = StringIO()
    call_command("archive_posts", *words, stdout=out)
    return out.getvalue()


@pytest.fixture(autouse=True)
def new_installation(db: None) -> None:
    """Publishing is held in a database that has attempts and no number yet."""
    hold.current()


@pytest.fixture
def make_old(organization, facebook, key, reviewer):
    """Insert `count` posts that were published long ago; return their ids in the order of the archive's file."""

    def make(count: int = 1, age: timedelta = OLD) -> list:
        at, first = clock.now() - age, 10**6
        common = {"organization": organization, "scheduled_for": at, "updated_at": at, "created_at": at}
        with transaction.atomic():
            posts = ScheduledPost.objects.bulk_create(
                ScheduledPost(status="PUBLISHED", approval_id=first + number, created_by_key=key, **common)
                for number in range(count)
            )
            approvals = Approval.objects.bulk_create(
                Approval(
                    pk=post.approval_id, post=post, reviewer=reviewer, session="", version=1, digest="", content={}
                )
                for post in posts
            )
            deliveries = Delivery.objects.bulk_create(
                Delivery(
                    post=post, organization=organization, channel=facebook, caption="Olá", published_at=at,
                    state=DeliveryState.PUBLISHED, platform_post_id=str(post.pk),
                )
                for post in posts
            )  # fmt: skip
            Attempt.objects.bulk_create(
                Attempt(delivery=delivery, approval=approval, lease_id=uuid4(), started_at=at, outcome="published")
                for delivery, approval in zip(deliveries, approvals, strict=True)
            )
            PostAuthor.objects.bulk_create(PostAuthor(post=post, key=key) for post in posts)
        return sorted(post.pk for post in posts)

    return make


def test_command_archives_by_month_and_prints_the_files(make_old, organization, other_organization):
    [post] = make_old()
    month = f"{clock.now() - OLD:%Y-%m}"
    output = run(organization.name, "--older-than", "90")
    name = re.escape(f"archive/{organization.pk}/{month}/") + "[0-9a-f]{64}" + re.escape(".jsonl.gz")
    assert re.fullmatch(f"Casa do Sol: 1 posts archived.\n    {name}: 1 posts\n", output)
    assert not ScheduledPost.objects.filter(pk=post).exists()
    assert run("--older-than", "90") == "Casa do Sol: 0 posts archived.\nRival: 0 posts archived.\n"


def test_dry_run_prints_the_number_by_month_and_changes_nothing(make_old, organization):
    make_old(3)
    rows = all_rows()
    output = run("--older-than", "90", "--dry-run")
    assert output == f"Casa do Sol {clock.now() - OLD:%Y-%m}: 3 posts would be archived.\n"
    assert all_rows() == rows
    assert not default_storage.exists(f"archive/{organization.pk}")


def test_post_that_is_not_old_enough_stays(make_old):
    make_old(age=timedelta(days=100))
    assert run("--older-than", "101") == "Casa do Sol: 0 posts archived.\n"


@pytest.mark.parametrize("days", ["89", "0", "-1", "9999999"])
def test_days_outside_the_limits_are_refused(make_old, days):
    with pytest.raises(CommandError, match="90 to 36500 days"):
        run(f"--older-than={days}")
    assert ScheduledPost.objects.count() == 0


def test_unknown_organization_is_refused():
    with pytest.raises(CommandError, match="no organization Unknown"):
        run("Unknown", "--older-than", "90")


def test_nothing_is_archived_while_publishing_is_held(make_old):
    make_old()
    hold.hold_by_person(WORKER, "A snapshot")
    with pytest.raises(CommandError, match="after_restore"):
        run("--older-than", "90")
    assert ScheduledPost.objects.count() == 1


# Kills


def filed(organization) -> list[list[str]]:
    """Return the ids of the posts of each file that an event names."""
    files = [file for event in archive_files.events(organization.pk) for file in event.details["files"]]
    return [[json.loads(line)["id"] for line in archive_files.read(file)] for file in files]


def start(processes: ProcessGroup) -> Process:
    return processes.start("archive", ["manage.py", "archive_posts", "--older-than", "90"])


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
def test_kill_before_the_event_deletes_nothing_and_the_next_run_completes(processes, make_old, organization):
    posts = make_old(30)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE accounts_auditevent IN SHARE MODE")
        process = start(processes)
        eventually(has_waiting_lock)
        process.kill()
    assert ScheduledPost.objects.count() == 30
    assert not AuditEvent.objects.filter(verb="archive").exists()
    second = start(processes)
    assert second.popen.wait(360) == 0, second.output()
    assert ScheduledPost.objects.count() == 0
    assert filed(organization) == [[str(pk) for pk in posts]]
    folder = f"archive/{organization.pk}/{clock.now() - OLD:%Y-%m}"
    assert len(default_storage.listdir(folder)[1]) == 1  # the file of the first run was used


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
def test_kill_while_it_deletes_leaves_every_post_in_the_file_and_the_next_run_completes(
    processes, make_old, organization
):
    posts = make_old(archive.BATCH * 2 + 50)
    with transaction.atomic():
        list(ScheduledPost.objects.select_for_update().filter(pk=posts[archive.BATCH + 100]))
        process = start(processes)
        eventually(has_waiting_lock)
        process.kill()
    left = set(ScheduledPost.objects.values_list("pk", flat=True))
    assert left == set(posts[archive.BATCH :])
    assert Attempt.objects.count() == Approval.objects.count() == Delivery.objects.count() == len(left)
    assert filed(organization) == [[str(pk) for pk in posts]]
    second = start(processes)
    assert second.popen.wait(360) == 0, second.output()
    assert f"Casa do Sol: {len(left)} posts archived." in second.output()
    for model in (ScheduledPost, Delivery, Approval, Attempt, PostAuthor):
        assert not model.objects.exists()
    assert filed(organization) == [[str(pk) for pk in posts]]
    assert list(audit_verification.find_tampering()) == []


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_archive_each_post(processes, make_old, organization):
    posts = make_old(30)
    both = [start(processes), start(processes)]
    assert [process.popen.wait(360) for process in both] == [0, 0]
    assert ScheduledPost.objects.count() == 0
    assert {pk for file in filed(organization) for pk in file} == {str(pk) for pk in posts}
