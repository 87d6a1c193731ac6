"""Settled posts are moved to files, complete and once; everything that is open stays in the database."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from accounts import clock
from accounts.domain import actors, audit_log, audit_verification
from accounts.domain.actors import Actor
from accounts.models import ActorKind, AuditEvent
from posts.graph.publishers import LookupStatus
from posts.models import PublishedPost
from scheduling.domain import approval_events, archive, archive_files, content, drafts, review
from scheduling.domain.drafts import ChannelText, Medium
from scheduling.domain.publishing import reconcile
from scheduling.models import Approval, Attempt, Delivery, Discard, ScheduledPost
from tests.helpers import approve, fresh
from tests.scheduling.domain.conftest import send
from tests.security.db_diff import Difference, all_rows

pytestmark = [pytest.mark.embedded, pytest.mark.django_db]
OPERATOR = Actor(ActorKind.WORKER, "archive_posts", "manage.py archive_posts")
LINK = "http://127.0.0.1:1/a"
DELETED = {"ScheduledPost", "Delivery", "Attempt", "Approval", "PostAuthor", "MediaItem"}


def before():
    return clock.now() + timedelta(days=1)


def run(organization, until=None):
    return archive.archive(OPERATOR, organization.pk, until or before())


def documents(files):
    return [json.loads(line) for file in files for line in archive_files.read(file)]


def problems(organization):
    tampering = audit_verification.find_tampering(organization.pk)
    return [*tampering, *approval_events.find_inconsistencies(organization.pk)]


@pytest.fixture
def make_published(make_waiting, judge, facebook):
    def make(**changes):
        post = make_waiting(**{"channels": [facebook], **changes})
        approve(judge, post, now=True)
        assert send(fresh(post)) == "published"
        return fresh(post)

    return make


@pytest.fixture
def make_rejected(make_waiting, judge, facebook):
    def make(**changes):
        post = make_waiting(**{"channels": [facebook], "scheduled_for": clock.now() + timedelta(hours=1), **changes})
        _, digest = content.current_content(fresh(post))
        return review.reject(judge, fresh(post), notes="No", digest=digest, revision=fresh(post).revision)

    return make


def test_every_column_of_every_deleted_row_is_in_the_file(
    make_published, make_rejected, organization, sandbox, facebook, key
):
    media_items = [Medium(sandbox.media(name), "IMAGE", "Text") for name in ("a.jpg", "b.jpg")]
    posts = {make_published(media_items=media_items).pk, make_rejected().pk}
    rows = all_rows()
    count, files = run(organization)
    difference = Difference(rows, all_rows())
    assert (count, [file["posts"] for file in files]) == (2, [2])
    found = {}
    for document in documents(files):
        children = {
            "ScheduledPost": [document],
            "Delivery": document["deliveries"],
            "Attempt": [attempt for row in document["deliveries"] for attempt in row["attempts"]],
            "Approval": document["approvals"],
            "PostAuthor": document["authors"],
            "MediaItem": document["media_items"],
        }
        found |= {(name, str(row["id"])): row for name, rows in children.items() for row in rows}
    gone = {name: old[1] for name, (old, new) in difference.changes.items() if new is None}
    assert {table for table, _ in gone} == {f"scheduling.{name}" for name in DELETED}
    assert {pk for table, pk in gone if table == "scheduling.ScheduledPost"} == posts
    for (table, pk), columns in gone.items():
        expected = json.loads(json.dumps(columns, default=archive._json_value))
        filed = found[table.partition(".")[2], str(pk)]
        assert {name: filed[name] for name in expected} == expected
    text = b"".join(line for file in files for line in archive_files.read(file)).decode()
    assert key.secret not in text
    assert facebook.token not in text
    assert (key.name in text, facebook.name in text, "reviewer" in text) == (True, True, True)
    assert difference.tables - {table for table, _ in gone} <= {"accounts.AuditEvent"}
    assert problems(organization) == []


def test_audit_event_names_each_file_with_its_hash_and_the_rest_of_the_log_stays(make_published, organization):
    make_published()
    events = list(AuditEvent.objects.values_list("pk", flat=True))
    _, files = run(organization)
    event = AuditEvent.objects.exclude(pk__in=events).get()
    assert (event.verb, event.subject, event.actor_name) == (
        "archive", f"organization:{organization.pk}", "manage.py archive_posts",
    )  # fmt: skip
    assert (event.details["posts"], event.details["files"]) == (1, files)
    assert files[0]["sha256"] in files[0]["file"]
    assert files[0]["file"].startswith(f"archive/{organization.pk}/{clock.now():%Y-%m}/")
    audit_log.seal()
    assert problems(organization) == []
    assert run(organization) == (0, [])


def test_one_file_for_each_month(make_published, organization):
    first, second = make_published(), make_published()
    ScheduledPost.objects.filter(pk=first.pk).update(updated_at=clock.now() - timedelta(days=40))
    _, files = run(organization)
    assert [file["file"].split("/")[2] for file in files] == [
        f"{at:%Y-%m}" for at in (clock.now() - timedelta(days=40), clock.now())
    ]
    assert [document["id"] for document in documents(files)] == [str(first.pk), str(second.pk)]


def test_many_posts_of_a_month_are_in_several_files(make_rejected, organization, monkeypatch):
    monkeypatch.setattr(archive, "POSTS_PER_FILE", 2)
    monkeypatch.setattr(archive, "BATCH", 1)
    posts = {str(make_rejected().pk) for _ in range(3)}
    count, files = run(organization)
    assert (count, [file["posts"] for file in files]) == (3, [2, 1])
    assert {document["id"] for document in documents(files)} == posts
    assert not ScheduledPost.objects.exists()


def test_other_organization_is_left_alone(make_published, organization, other_organization):
    post = make_published()
    assert run(other_organization) == (0, [])
    assert fresh(post).status == "PUBLISHED"


# A post that must stay, by the reason. Each function takes a published and a rejected post and returns the one that it
# has changed, so that it must stay.


def set_delivery(post, **columns):
    Delivery.objects.filter(post=post).update(**columns)
    return post


def set_post(post, **columns):
    ScheduledPost.objects.filter(pk=post.pk).update(**columns)
    return post


def later():
    return clock.now() + timedelta(days=2)


def add_discard(post, **columns):
    delivery = post.deliveries.get()
    Discard.objects.create(channel=delivery.channel, post_id=post.pk, delivery_id=delivery.pk, staged={}, **columns)
    return post


def revive_approval(post):
    Approval.objects.create(
        post=post, reviewer=post.organization.memberships.filter(may_review=True).get().user, session="", version=1,
        digest="", content={},
    )  # fmt: skip
    return post


def open_attempt(post, outcome):
    approval = Approval.objects.get(post=post)
    Attempt.objects.create(delivery=post.deliveries.get(), approval=approval, lease_id=uuid4(), outcome=outcome)
    return post


REASONS = {
    "changed lately": lambda published, _: set_post(published, updated_at=later()),
    "scheduled later": lambda _, rejected: set_post(rejected, scheduled_for=later()),
    "draft": lambda _, rejected: set_post(rejected, status="DRAFT"),
    "waiting": lambda _, rejected: set_post(rejected, status="WAITING_FOR_APPROVAL"),
    "scheduled": lambda published, _: set_post(published, status="SCHEDULED"),
    "publishing": lambda published, _: set_post(published, status="PUBLISHING"),
    "failed": lambda published, _: set_post(published, status="FAILED"),
    "enqueued": lambda published, _: set_post(published, task_id=uuid4()),
    "claimed": lambda published, _: set_post(published, lease_id=uuid4()),
    "published lately": lambda published, _: set_delivery(published, published_at=later()),
    "time of publication unknown": lambda published, _: set_delivery(published, published_at=None),
    "one channel failed": lambda published, _: set_delivery(published, state="FAILED"),
    "one channel unknown": lambda published, _: set_delivery(published, state="UNKNOWN"),
    "one channel pending": lambda published, _: set_delivery(published, state="PENDING"),
    "without an id of the platform": lambda published, _: set_delivery(published, platform_post_id=""),
    "published and to be read back": lambda published, _: set_delivery(published, lost_since=clock.now()),
    "rejected and to be read back": lambda _, rejected: set_delivery(rejected, lost_since=clock.now()),
    "published with a hashtag": lambda published, _: set_delivery(published, lookup_hashtag="sardinhas"),
    "rejected with a hashtag": lambda _, rejected: set_delivery(rejected, lookup_hashtag="sardinhas"),
    "rejected and staged": lambda _, rejected: set_delivery(rejected, staged={"photo": "1"}),
    "rejected and published": lambda _, rejected: set_delivery(rejected, state="PUBLISHED"),
    "rejected with an approval": lambda _, rejected: revive_approval(rejected),
    "attempt without an outcome": lambda published, _: open_attempt(published, ""),
    "attempt with an unknown outcome": lambda published, _: open_attempt(published, "unknown"),
    "object to discard": lambda published, _: add_discard(published),
}  # fmt: skip


@pytest.mark.parametrize("reason", REASONS)
def test_post_that_is_open_stays_and_the_other_one_is_archived(make_published, make_rejected, organization, reason):
    published, rejected = make_published(), make_rejected()
    kept = REASONS[reason](published, rejected)
    rows = {name: row for name, row in all_rows().items() if str(kept.pk) in str(row)}
    assert run(organization)[0] == 1
    assert list(ScheduledPost.objects.values_list("pk", flat=True)) == [kept.pk]
    assert rows.items() <= all_rows().items()


def test_done_discard_does_not_keep_a_post(make_published, organization):
    add_discard(make_published(), done_at=clock.now())
    assert run(organization)[0] == 1


def write(organization, *posts):
    """Write the file as a run does that is killed before it records the event."""
    folder = f"{organization.pk}/{clock.now():%Y-%m}"
    lines = dict(archive._snapshots([post.pk for post in posts]))
    return archive_files.write(folder, [lines[post.pk] for post in posts])


def test_post_that_was_edited_after_it_was_written_stays(make_rejected, make_published, organization, key):
    rejected, published = make_rejected(), make_published()
    file = write(organization, rejected, published)
    drafts.edit(actors.api_key_actor(key), fresh(rejected), changes={"brief": "Again"})
    assert archive._delete_posts_of(file) == 1
    assert len(documents([file])) == 2
    assert fresh(rejected).brief == "Again"
    assert not ScheduledPost.objects.filter(pk=published.pk).exists()


def test_complete_file_of_a_killed_run_is_used_again(make_published, organization):
    file = write(organization, make_published())
    assert run(organization) == (1, [{**file, "posts": 1}])
    assert problems(organization) == []


def test_incomplete_file_of_a_killed_run_is_neither_used_nor_replaced(make_published, organization):
    file = write(organization, make_published())
    default_storage.delete(file["file"])
    assert default_storage.save(file["file"], ContentFile(b"half")) == file["file"]
    count, [second] = run(organization)
    assert (count, second["sha256"], second["file"] != file["file"]) == (1, file["sha256"], True)
    with default_storage.open(file["file"]) as half:
        assert half.read() == b"half"
    assert problems(organization) == []


@pytest.mark.parametrize("change", ["delete", "alter"])
def test_verification_names_a_file_that_is_missing_or_altered(make_published, organization, change):
    post = make_published()
    approval = post.approval_id
    _, [file] = run(organization)
    default_storage.delete(file["file"])
    if change == "alter":
        default_storage.save(file["file"], ContentFile(b"other"))
    [broken, missing] = problems(organization)
    assert file["file"] in broken
    assert missing.startswith(f"approval {approval} of post:{post.pk}")


def test_verification_names_an_archived_approval_that_differs_from_its_event(make_published, organization):
    post = make_published()
    Approval.objects.filter(pk=post.approval_id).update(reviewer=post.created_by_key.issued_by)
    run(organization)
    [problem] = problems(organization)
    assert problem.startswith(f"archived approval {post.approval_id} does not match event")


def test_purged_log_of_archived_posts_verifies(make_published, organization):
    make_published()
    run(organization)
    audit_log.seal()
    assert audit_log.purge(OPERATOR, organization.pk, before=clock.now()) > 3
    audit_log.seal()
    assert problems(organization) == []


def test_archived_post_is_not_taken_for_a_lost_one_with_the_same_text(
    make_published, make_scheduled, organization, facebook, sandbox
):
    text = {facebook.public_id: ChannelText(facebook.type, "Open today")}
    since = clock.now() - timedelta(minutes=5)
    published = make_published(channels=text, media=LINK, media_type=None)
    lost = make_scheduled(channels=text, media=LINK, media_type=None)
    delivery = Delivery.objects.select_related("post", "channel").get(post=lost)
    covered = fresh(lost).approval.content
    assert reconcile.look_up_lost(delivery, covered, since).verdict is LookupStatus.NOT_FOUND
    assert run(organization)[0] == 1
    assert reconcile.look_up_lost(delivery, covered, since).verdict is LookupStatus.NOT_FOUND
    platform_id = PublishedPost.objects.get(scheduled_post_id=published.pk).platform_id
    attempt = Attempt(delivery=delivery, approval=fresh(lost).approval, lease_id=uuid4())
    assert not reconcile.mark_found(delivery, covered, attempt, platform_id)


def test_what_refers_to_an_archived_post_still_answers(
    make_published, organization, api, admin_member, signed_in, facebook
):
    post = make_published(external_id="menu-1")
    run(organization)
    row = PublishedPost.objects.get()
    answer = api.get(f"/scheduled-posts/{post.pk}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    for verb in ("submit-for-approval", "revert"):
        assert api.post(f"/scheduled-posts/{post.pk}/{verb}").status_code == 404
    assert api.get("/scheduled-posts").json() == []
    [listed] = api.get("/posts").json()
    assert (listed["id"], listed["scheduledPostId"]) == (row.platform_id, str(post.pk))
    assert api.get(f"/posts/{row.platform_id}?mediumId={facebook.public_id}").status_code == 200
    assert api.get("/events").json()
    browser = signed_in(admin_member)
    expected = {
        f"scheduling/scheduledpost/{post.pk}/review/": 404,
        f"scheduling/scheduledpost/{post.pk}/change/": 404,
        "scheduling/scheduledpost/": 200,
        "scheduling/scheduledpost/calendar/": 200,
        "scheduling/notification/": 200,
        "posts/publishedpost/": 200,
        f"posts/publishedpost/{row.pk}/insights/": 200,
        f"posts/publishedpost/{row.pk}/comments/": 200,
        "accounts/auditevent/": 200,
        **{f"accounts/auditevent/{pk}/change/": 200 for pk in AuditEvent.objects.values_list("pk", flat=True)},
        "": 200,
    }
    assert {path: browser.get(f"/admin/{path}").status_code for path in expected} == expected
    assert "moved old posts to the archive" in browser.get("/admin/accounts/auditevent/").content.decode()


def test_external_id_of_an_archived_post_is_free(make_published, make_draft, organization, facebook):
    make_published(external_id="menu-1")
    run(organization)
    assert make_draft(external_id="menu-1", channels=[facebook]).external_id == "menu-1"


def test_files_are_written_to_a_bucket_and_read_back(make_published, organization, bucket):
    make_published()
    count, files = run(organization)
    assert (count, len(documents(files))) == (1, 1)
    assert problems(organization) == []
