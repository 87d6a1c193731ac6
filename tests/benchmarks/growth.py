"""Sweep, queue page, lists and one publish with millions of posts, beside the same with FEW.

Both databases are in one PostgreSQL server, the second one is a copy of the first that was filled. They take turns, so
that both see the same machine. Requests run in this process, through Django's whole stack.
"""

import re
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.core.cache import cache
from django.db import connection

from accounts import clock
from accounts.domain import actors, api_keys
from accounts.models import User
from posts.models import PublishedPost
from scheduling.domain import sweep
from scheduling.domain.publishing import run
from scheduling.domain.publishing import stage as publish_stage
from scheduling.lifecycle import Status
from scheduling.models import Delivery, PublishingState, ScheduledPost
from tests.benchmarks.fake_posts import create_posts, multiply
from tests.benchmarks.publish_latency import LATENCY, PostSeries
from tests.benchmarks.report import Figure
from tests.helpers import POSTS, SignedClient, log_in, stamp

FEW = 2500  # past and scheduled posts of the database that counts as empty: checks read up to 2,000 neighbours
WAITING = 60  # posts in the queue of both
REPEATS = 15  # of each measurement; their median counts
PUBLISHED = 9  # posts
LIMIT = 1.3
COPY = "growth"  # the database with many posts
FIRST_DUE = timedelta(seconds=45)  # after which the first post to publish is due; the others follow each PAUSE
PAUSE = timedelta(seconds=2)
TABLES = [model._meta.db_table for model in (ScheduledPost, Delivery, PublishedPost)]


@dataclass
class Run:
    """Seconds of one execution, and of its statements by their text without ids and times."""

    seconds: float = 0.0
    statements: Counter[str] = field(default_factory=Counter)

    @property
    def sql(self) -> float:
        return sum(self.statements.values())


Runs = dict[str, list[Run]]  # by the name of the database


def measure_growth(series: PostSeries, past: int, scheduled: int) -> list[Figure]:
    """Copy the database, fill the copy, measure both, and drop the copy."""
    series.stage.sandbox.settings(latency_ms=0)
    began = time.monotonic()
    few = connection.settings_dict["NAME"]
    template = _create_few(series)
    clients = _create_clients(series)
    PublishingState.objects.all().delete()  # each database gets a number of its own
    connection.close()
    series.stage.postgres.execute("ALTER SYSTEM SET max_wal_size = '16GB'")  # no checkpoint while rows are inserted
    series.stage.postgres.execute("SELECT pg_reload_conf()")
    series.stage.postgres.execute(f'CREATE DATABASE {COPY} TEMPLATE "{few}"')
    try:
        with _database(COPY):
            _fill_with_many(template, past, scheduled)
            filled, size = time.monotonic() - began, _size()
        runs = {name: _take_turns(few, work) for name, work in _works(*clients).items()}
        runs["publish, claim to published"] = _publish_in_turns(few, series)
    finally:
        connection.close()
        series.stage.postgres.execute(f"DROP DATABASE {COPY} WITH (FORCE)")
        series.stage.sandbox.settings(latency_ms=LATENCY)
    rows = f"growth, {past:,} past and {scheduled:,} scheduled posts, their deliveries, {past:,} published posts"
    figures = [Figure(rows, "-", f"filled in {filled:.0f} s, {size}")]
    return figures + [_compare(name, found[few], found[COPY]) for name, found in runs.items()]


def _create_few(series: PostSeries) -> ScheduledPost:
    """Create the posts that both databases have, and return the one that the others are copies of."""
    [post_id] = series.ids(series.create([clock.now() + timedelta(days=1)]))
    template = ScheduledPost.objects.get(pk=post_id)
    create_posts(series.crowd.channels, 1)
    _multiply_posts(template, FEW, FEW)
    _multiply_published(template, FEW)
    later = "now() + interval '800 days' + n * interval '1 hour'"
    key = "md5('waiting' || n)::uuid"
    multiply(
        ScheduledPost, template.pk, WAITING, id=key, scheduled_for=later, status="'WAITING_FOR_APPROVAL'",
        approval_id="NULL", task_id="NULL", media_sha256=_hash(key), check_level="'ok'", check_level_at="now()",
    )  # fmt: skip
    channel = _channel_in_turn(template)
    multiply(Delivery, template.deliveries.get().pk, WAITING, post_id=key, caption_hash=_hash(key), channel_id=channel)
    return template


def _create_clients(series: PostSeries) -> tuple[SignedClient, Any]:
    """Return an API client and the reviewer's browser, which both databases know."""
    crowd = series.crowd
    key, secret = api_keys.create_api_key(
        actors.user_actor(crowd.key.issued_by), organization=crowd.organization, name="growth"
    )
    key.secret = secret  # type: ignore[attr-defined]
    reviewer = User.objects.get(username="reviewer")
    reviewer.raw_password = "reviewer"  # type: ignore[attr-defined]
    clients = SignedClient(key), log_in(reviewer)
    for client in (clients[0].client, clients[1]):
        client.defaults["SERVER_NAME"] = "localhost"
    return clients


@contextmanager
def _database(name: str) -> Iterator[None]:
    """Connect the domain to another database of the server."""
    former = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = former


def _hash(sql: str) -> str:
    return f"md5({sql}::text) || md5('2' || {sql}::text)"


def _multiply_posts(template: ScheduledPost, past: int, scheduled: int) -> None:
    """Copy the post and its delivery: published ones each 12 s in the past, scheduled ones each 30 s from tomorrow.

    Hashes and ids differ, channels take turns; media file and approval are those of the template.
    """
    delivery, rows = template.deliveries.get(), past + scheduled
    key, is_past = f"md5('{rows}/' || n)::uuid", f"n <= {past}"
    at = (
        f"CASE WHEN {is_past} THEN now() - n * interval '12 s' "
        f"ELSE now() + interval '1 day' + (n - {past}) * interval '30 s' END"
    )
    created = "least(now(), now() - n * interval '12 s') - interval '1 day'"
    multiply(
        ScheduledPost, template.pk, rows, id=key, scheduled_for=at, created_at=created, updated_at=created,
        status=f"CASE WHEN {is_past} THEN 'PUBLISHED' ELSE 'SCHEDULED' END",
        task_id=f"CASE WHEN {is_past} THEN NULL ELSE {key} END", media_sha256=_hash(key),
    )  # fmt: skip
    multiply(
        Delivery, delivery.pk, rows, post_id=key, caption_hash=_hash(key),
        channel_id=_channel_in_turn(template),
        state=f"CASE WHEN {is_past} THEN 'PUBLISHED' ELSE '' END",
        platform_post_id=f"CASE WHEN {is_past} THEN '{rows}' || n ELSE '' END",
        permalink=f"CASE WHEN {is_past} THEN 'https://www.example.com/{rows}' || n ELSE '' END",
        published_at=f"CASE WHEN {is_past} THEN {at} END",
    )  # fmt: skip


def _multiply_published(template: ScheduledPost, past: int) -> None:
    published = PublishedPost.objects.earliest("pk")
    multiply(
        PublishedPost, published.pk, past, platform_id=f"'{past}' || n", channel_id=_channel_in_turn(template),
        published_at="now() - n * interval '12 s'",
    )  # fmt: skip


def _channel_in_turn(template: ScheduledPost) -> str:
    channels = [str(pk) for pk in template.organization.channels.order_by("pk").values_list("pk", flat=True)]
    return f"(ARRAY[{', '.join(channels)}])[mod(n, {len(channels)}) + 1]"


def _fill_with_many(template: ScheduledPost, past: int, scheduled: int) -> None:
    """Fill the three tables without their indexes, keys and triggers, then create these again."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SET maintenance_work_mem = '1GB'")
        cursor.execute("SET synchronous_commit = off")
        dropped = _drop_indexes(cursor)
        for name in TABLES:
            cursor.execute(f"ALTER TABLE {name} SET (autovacuum_enabled = off)")
        _multiply_posts(template, past, scheduled)
        _multiply_published(template, past)
        print("growth: rows are inserted", file=sys.stderr, flush=True)
        for statement in dropped:
            cursor.execute(statement)
        for name in TABLES:
            cursor.execute(f"ALTER TABLE {name} RESET (autovacuum_enabled)")
            cursor.execute(f"VACUUM (ANALYZE, INDEX_CLEANUP OFF) {name}")


def _drop_indexes(cursor: Any) -> list[str]:
    """Drop the indexes and keys of the tables, and return the statements that create them.

    Foreign keys come last, and are not validated, which takes as long as everything else.
    """
    cursor.execute(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), contype = 'f' FROM pg_constraint "
        "WHERE conrelid = ANY(%(tables)s::regclass[]) AND contype IN ('f', 'u', 'p') "
        "OR confrelid = ANY(%(tables)s::regclass[]) ORDER BY contype <> 'f'",
        {"tables": TABLES},
    )
    keys = cursor.fetchall()
    for table, name, _, _ in keys:
        cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    cursor.execute("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s)", [TABLES])
    indexes = cursor.fetchall()
    for name, _ in indexes:
        cursor.execute(f'DROP INDEX "{name}"')
    added = [
        f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}{" NOT VALID" if is_foreign else ""}'
        for table, name, definition, is_foreign in reversed(keys)
    ]
    return [definition for _, definition in indexes] + added


def _size() -> str:
    """Return the bytes of the three tables as text."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(pg_total_relation_size(name::regclass)) FROM unnest(%s::text[]) name", [TABLES])
        total = cursor.fetchone()[0]
    return f"{float(total) / 1e9:.1f} GB"


def _works(api: SignedClient, browser: Any) -> dict[str, Callable[[], Any]]:
    recently = stamp(clock.now() - timedelta(minutes=10))

    def read(path: str, least: int = 100) -> None:
        answer = api.get(path)
        if answer.status_code != 200 or len(answer.json()) < least:
            raise RuntimeError(f"{path} answered {answer.status_code}: {answer.content[:200]!r}")

    def open_page(query: str) -> None:
        answer = browser.get(f"{POSTS}{query}")
        if answer.status_code != 200 or b"data-rows" not in answer.content:
            raise RuntimeError(f"the page {query} answered {answer.status_code}")

    return {
        "sweep, every step": sweep.sweep,
        "queue page": partial(open_page, "?status=WAITING_FOR_APPROVAL"),
        "page of all posts": partial(open_page, ""),
        "GET /scheduled-posts": partial(read, "/scheduled-posts"),
        "GET /scheduled-posts?status=SCHEDULED": partial(read, "/scheduled-posts?status=SCHEDULED"),
        "GET /scheduled-posts?status=PUBLISHED": partial(read, "/scheduled-posts?status=PUBLISHED"),
        "GET /scheduled-posts?updatedSince": partial(read, f"/scheduled-posts?updatedSince={recently}", 0),
        "GET /posts": partial(read, "/posts"),
    }


def _take_turns(few: str, work: Callable[[], Any]) -> Runs:
    runs: Runs = defaultdict(list)
    for number in range(REPEATS + 1):
        for name in (few, COPY):
            with _database(name):
                found = _measure(work)
                if number:  # the first one warms up
                    runs[name].append(found)
    return runs


def _measure(work: Callable[[], Any]) -> Run:
    """Execute `work` on an open connection with an empty cache, so that no limit is reached and no step is skipped."""
    cache.clear()
    connection.ensure_connection()
    measured = Run()

    def execute(run_next: Callable[..., Any], sql: Any, parameters: Any, many: bool, context: Any) -> Any:
        began = time.perf_counter()
        try:
            return run_next(sql, parameters, many, context)
        finally:
            measured.statements[re.sub(r"(%s, )+%s", "%s", str(sql))] += time.perf_counter() - began

    with connection.execute_wrapper(execute):
        began = time.perf_counter()
        work()
        measured.seconds = time.perf_counter() - began
    return measured


def _publish_in_turns(few: str, series: PostSeries) -> Runs:
    """Publish PUBLISHED staged posts of each database, one after the other, each at its time."""
    first = clock.now() + FIRST_DUE
    due: list[tuple[datetime, str, str]] = []
    for number, name in enumerate((few, COPY)):
        times = [first + (2 * turn + number) * PAUSE for turn in range(PUBLISHED)]
        with _database(name):
            ids = series.ids(series.create(times))
            if any(publish_stage.prestage(post_id) != 1 for post_id in ids):
                raise RuntimeError("not everything was staged")
        due += zip(times, [name] * PUBLISHED, ids, strict=True)
    if clock.now() > first:
        raise RuntimeError("the machine is too slow to stage the posts ahead of their time")
    runs: Runs = defaultdict(list)
    for at, name, post_id in sorted(due):
        with _database(name):
            task_id = str(ScheduledPost.objects.values_list("task_id", flat=True).get(pk=post_id))
            time.sleep(max(0.0, (at - clock.now()).total_seconds()))
            runs[name].append(_measure(partial(run.publish, post_id, task_id)))
            if ScheduledPost.objects.get(pk=post_id).status != Status.PUBLISHED:
                raise RuntimeError("a post was not published")
    return {name: found[1:] for name, found in runs.items()}  # the first one warms up


def _compare(name: str, few: list[Run], many: list[Run]) -> Figure:
    """Return the ratios of the medians; print the statement that grew the most when one is above LIMIT."""
    seconds, sql = (
        [statistics.median(getattr(each, part) for each in found) for found in (few, many)]
        for part in ("seconds", "sql")
    )
    ratios = [many_seconds / few_seconds for few_seconds, many_seconds in (seconds, sql)]
    good = max(ratios) <= LIMIT
    if not good:
        grown = {
            statement: statistics.median(each.statements[statement] for each in many)
            - statistics.median(each.statements[statement] for each in few)
            for statement in many[0].statements
        }
        worst = max(grown, key=lambda statement: grown[statement])
        print(f"{name}: {grown[worst] * 1000:+.1f} ms by {worst}", file=sys.stderr)
    texts = [
        f"{ratio:.2f} x ({after * 1000:.1f} ms, with few {before * 1000:.1f})"
        for ratio, (before, after) in zip(ratios, (seconds, sql), strict=True)
    ]
    return Figure(f"  {name}", f"<= {LIMIT} x", f"{texts[0]}, SQL {texts[1]}", good)
