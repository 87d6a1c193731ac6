"""Rows and bytes that a published post adds to the database: in all, after retention, and after the archive."""

from datetime import timedelta
from typing import NamedTuple

from django.core.files.storage import default_storage
from django.db import connection
from django.db.models import Exists, OuterRef

from accounts import clock
from accounts.domain.actors import Actor
from accounts.models import ActorKind, AuditChainLink, AuditEvent, Organization
from scheduling.domain import archive
from scheduling.models import Event, Notification, NotificationDelivery
from tests.benchmarks.publish_latency import PostSeries, wait
from tests.benchmarks.report import Figure

LEAD = timedelta(seconds=20)
EXPIRING = {model._meta.db_table for model in (Event, Notification, NotificationDelivery)}


class Size(NamedTuple):
    rows: float
    heap: float  # with TOAST
    indexes: float


def measure_storage(series: PostSeries, count: int) -> list[Figure]:
    """Publish `count` posts on one channel each, whose pictures are stored already, and compare the tables."""
    _publish(series, 1)  # the first row of a table adds a page to each of its indexes
    before = _sizes()
    _publish(series, count)
    after = _sizes()
    each = {
        name: Size(*((new - old) / count for new, old in zip(size, before[name], strict=True)))
        for name, size in after.items()
    }
    kept = {name: size for name, size in each.items() if name not in EXPIRING}
    in_files = _archive()
    left = {
        name: Size(*((new - old) / count for new, old in zip(size, before[name], strict=True)))
        for name, size in _sizes().items()
        if name not in EXPIRING
    }
    figures = [
        Figure("storage of a post on one channel", "<= 9,000 bytes, 12 rows", _total(each), _is_small(each)),
        Figure("  … after retention", "-", _total(kept)),
        Figure("  … after the archive", "-", f"{_total(left)}; in files {in_files:,.0f} bytes"),
    ]
    figures += [
        Figure(f"  {name}", "-", f"{size.rows:4.1f} rows {size.heap:6,.0f} bytes, indexes {size.indexes:5,.0f}")
        for name, size in each.items()
        if size.rows > 0.1
    ]
    return figures


def _archive() -> float:
    """Archive every post that is published; return the bytes of a post in the files."""
    operator = Actor(ActorKind.WORKER, "archive_posts", "manage.py archive_posts")
    files = []
    for pk in Organization.objects.values_list("pk", flat=True):
        files += archive.archive(operator, pk, clock.now() + timedelta(days=1))[1]
    return sum(default_storage.size(file["file"]) for file in files) / sum(file["posts"] for file in files)


def _publish(series: PostSeries, count: int) -> None:
    numbers = series.create(clock.now() + LEAD for _ in range(count))  # each a while after it was created
    series.wait_settled(numbers)
    wait(lambda: not _is_unfinished(), "sealed, numbered and fanned out")


def _sizes() -> dict[str, Size]:
    """Return the tables' sizes without dead rows and free space."""
    sizes = {}
    for name in connection.introspection.table_names():
        if name.startswith(("accounts_", "posts_", "scheduling_")):
            with connection.cursor() as cursor:
                cursor.execute(f"VACUUM FULL {name}")
                cursor.execute(
                    f"SELECT count(*), pg_table_size('{name}'), pg_indexes_size('{name}') FROM {name}"  # noqa: S608
                )
                sizes[name] = Size(*cursor.fetchone())
    return sizes


def _is_unfinished() -> bool:
    unsealed = AuditEvent.objects.filter(~Exists(AuditChainLink.objects.filter(event_id=OuterRef("pk"))))
    waiting = Notification.objects.filter(fanned_out_at=None)
    return unsealed.exists() or waiting.exists() or Event.objects.filter(position=None).exists()


def _total(sizes: dict[str, Size]) -> str:
    return f"{sum(size.heap + size.indexes for size in sizes.values()):,.0f} bytes, {_rows(sizes):.1f} rows"


def _rows(sizes: dict[str, Size]) -> float:
    return sum(size.rows for size in sizes.values())


def _is_small(sizes: dict[str, Size]) -> bool:
    return sum(size.heap + size.indexes for size in sizes.values()) <= 9000 and _rows(sizes) <= 12
