"""Moves posts that were settled long ago from the database to files in the storage.

For each organization:

1. Finish the former run: delete the posts of its files that a killed process left.
2. Write the settled posts, month by month, to files, which are read back and compared.
3. Record one audit event with the name and the SHA-256 of each file, in a transaction of its own.
4. Read the files again and delete their posts, a short transaction for each batch. A post is deleted only when its
   rows, which are locked, are those of its line in the file.

A process that is killed before 3 has deleted nothing; one that is killed later is finished by the next run.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import models, transaction
from django.db.models import Exists, OuterRef, Prefetch, Q

from accounts.domain import audit_log
from accounts.domain.actors import Actor
from accounts.models import ApiKey, User
from posts.models import Channel
from scheduling.domain import archive_files
from scheduling.lifecycle import Status
from scheduling.models import (
    Approval,
    Attempt,
    Delivery,
    DeliveryState,
    Discard,
    Outcome,
    PostAuthor,
    ScheduledPost,
    ScheduledPostQuerySet,
)

# Longer than anything in which a row prevents that a post is published twice, or is read: posts without an id of the
# platform are matched to imported ones for 30 days, failed ones looked up by after_restore for 7, events kept for 30,
# notifications for 90.
MIN_AGE = timedelta(days=90)
POSTS_PER_FILE = 10_000
BATCH = 200
CHILDREN = ("deliveries", "approvals", "authors", "media_items")
NAMED = (Channel, User, ApiKey)  # of which a line has the name beside the id


def settled_posts(organization_id: UUID, before: datetime) -> ScheduledPostQuerySet:
    """Return the published and the rejected posts of which nothing has changed since `before` and nothing is open.

    Not returned: drafts and failed posts, which a person may still submit or retry; posts with a delivery or an attempt
    whose outcome is not known, that the platform gave no id, that is to be read back after a restore, or that reserves
    a hashtag; rejected posts with an approval in force, or that are scheduled later; posts with objects to discard.
    """
    deliveries = Delivery.objects.filter(post=OuterRef("pk"))
    published = Q(state=DeliveryState.PUBLISHED, published_at__lt=before) & ~Q(platform_post_id="")
    untouched = Q(state="", staged={}, staged_digest="")
    in_force = Approval.objects.filter(post=OuterRef("pk"), revoked_at=None)
    is_published = Q(~Exists(deliveries.exclude(published)), status=Status.PUBLISHED)
    is_rejected = Q(~Exists(deliveries.exclude(untouched)), ~Exists(in_force), status=Status.REJECTED)
    needed = deliveries.filter(Q(lost_since__isnull=False) | Q(lookup_hashtag__isnull=False))
    unknown = Attempt.objects.filter(delivery__post=OuterRef("pk"), outcome__in=("", Outcome.UNKNOWN))
    discards = Discard.objects.filter(post_id=OuterRef("pk"), done_at=None)
    old = ScheduledPost.objects.filter(organization=organization_id, updated_at__lt=before, task_id=None, lease_id=None)
    old = old.filter(Q(scheduled_for=None) | Q(scheduled_for__lt=before))
    return old.filter(is_published | is_rejected, ~Exists(needed), ~Exists(unknown), ~Exists(discards))


def months(posts: ScheduledPostQuerySet) -> Iterator[tuple[str, list[UUID]]]:
    """Yield each month in UTC as YYYY-MM with its posts, by their last change, oldest first."""
    for first in posts.datetimes("updated_at", "month", tzinfo=UTC):
        following = (first + timedelta(days=32)).replace(day=1)
        rows = posts.filter(updated_at__gte=first, updated_at__lt=following).order_by("updated_at", "pk")
        yield f"{first:%Y-%m}", list(rows.values_list("pk", flat=True))


def archive(actor: Actor, organization_id: UUID, before: datetime) -> tuple[int, list[dict[str, Any]]]:
    """Archive the settled posts; return how many rows of posts were deleted, and the new files.

    Raises Damaged. Each step commits, so do not call it in a transaction.
    """
    count = _finish_former_run(organization_id)
    files: list[dict[str, Any]] = []
    for month, pks in months(settled_posts(organization_id, before)):
        for part in _parts(pks, POSTS_PER_FILE):
            lines = (line for batch in _parts(part, BATCH) for _, line in _snapshots(batch))
            files.append({**archive_files.write(f"{organization_id}/{month}", lines), "posts": len(part)})
    if files:
        audit_log.record(
            actor,
            archive_files.VERB,
            organization_id=organization_id,
            subject=f"organization:{organization_id}",
            before=before.isoformat(),
            posts=sum(file["posts"] for file in files),
            files=files,
        )
    return count + sum(_delete_posts_of(file) for file in files), files


def _finish_former_run(organization_id: UUID) -> int:
    count = 0
    for event in archive_files.events(organization_id)[-1:]:
        for file in event.details["files"]:
            try:
                count += _delete_posts_of(file)
            except archive_files.Damaged:
                continue  # what is still in the database is written to a new file; verify_audit_log names this one
    return count


def _delete_posts_of(file: dict[str, Any]) -> int:
    """Delete the posts whose rows are those of the file; return how many. A post that has changed stays."""
    count, lines = 0, archive_files.read(file)
    while batch := {UUID(json.loads(line)["id"]): line for line in islice(lines, BATCH)}:
        with transaction.atomic():
            list(ScheduledPost.objects.select_for_update().filter(pk__in=batch).order_by("pk").values_list("pk"))
            list(Delivery.objects.select_for_update().filter(post__in=batch).order_by("pk").values_list("pk"))
            unchanged = [pk for pk, line in _snapshots(list(batch)) if line == batch[pk]]
            deleted = ScheduledPost.objects.filter(pk__in=unchanged).delete()[1]
        count += deleted.get(ScheduledPost._meta.label, 0)
    return count


def _parts(pks: Sequence[UUID], size: int) -> Iterator[Sequence[UUID]]:
    return (pks[start : start + size] for start in range(0, len(pks), size))


def _snapshots(pks: Sequence[UUID]) -> Iterator[tuple[UUID, bytes]]:
    """Yield each post with its line: every column of its rows in every table that is deleted with it."""
    posts = ScheduledPost.objects.filter(pk__in=pks).order_by("pk")
    posts = posts.select_related("created_by_user", "created_by_key", "last_edited_by_user", "last_edited_by_key")
    posts = posts.prefetch_related(
        Prefetch("deliveries", Delivery.objects.select_related("channel").order_by("pk")),
        Prefetch("deliveries__attempts", Attempt.objects.order_by("pk")),
        Prefetch("approvals", Approval.objects.select_related("reviewer").order_by("pk")),
        Prefetch("authors", PostAuthor.objects.select_related("user", "key").order_by("pk")),
        "media_items",
    )
    for post in posts:
        document = _columns(post) | {name: _rows(getattr(post, name)) for name in CHILDREN}
        for row, delivery in zip(document["deliveries"], post.deliveries.all(), strict=True):
            row["attempts"] = _rows(delivery.attempts)
        yield post.pk, json.dumps(document, ensure_ascii=False, default=_json_value).encode() + b"\n"


def _rows(manager: models.Manager[Any]) -> list[dict[str, Any]]:
    return [_columns(row) for row in manager.all()]


def _columns(row: models.Model) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for field in row._meta.concrete_fields:
        columns[field.attname] = field.value_from_object(row)
        if field.related_model in NAMED and columns[field.attname] is not None:
            columns[f"{field.name}_name"] = str(getattr(row, field.name))
    return columns


def _json_value(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
