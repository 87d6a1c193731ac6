"""The list of scheduled posts and the review queue read a page, not what is published or scheduled besides."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from accounts import clock
from posts.models import PublishedPost
from scheduling.domain.preflight import context
from scheduling.domain.preflight.checks import run_checks
from scheduling.models import Delivery, ScheduledPost
from tests.benchmarks.fake_posts import create_posts, multiply
from tests.helpers import POSTS, SignedClient, log_in, stamp
from tests.scheduling.query_plans import plan_of, statements

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no EXPLAIN ANALYZE")
PAST, SCHEDULED = 20_000, 2_000
MOST = 400  # rows that one statement may read: a page has 100


@pytest.fixture
def many_posts(make_scheduled, make_waiting, facebook) -> None:
    """A post, PAST copies of it that were published, SCHEDULED ones that are due later, and one that waits."""
    post = make_scheduled(channels=[facebook])
    key = "md5(n::text)::uuid"
    at = f"now() + (n - {PAST}) * interval '1 minute'"
    is_past = f"n <= {PAST}"
    multiply(
        ScheduledPost, post.pk, PAST + SCHEDULED, id=key, scheduled_for=at, task_id="NULL", media_sha256="md5(n::text)",
        status=f"CASE WHEN {is_past} THEN 'PUBLISHED' ELSE 'SCHEDULED' END",
        updated_at=f"CASE WHEN {is_past} THEN {at} ELSE now() - interval '1 day' END",
    )  # fmt: skip
    multiply(
        Delivery, post.deliveries.get().pk, PAST + SCHEDULED, post_id=key, caption_hash="md5(n::text)",
        state=f"CASE WHEN {is_past} THEN 'PUBLISHED' ELSE '' END",
        platform_post_id=f"CASE WHEN {is_past} THEN n::text ELSE '' END",
    )  # fmt: skip
    make_waiting(channels=[facebook])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def assert_few_rows_are_read(work: Callable[[], Any]) -> None:
    plans = {sql: plan_of(sql) for sql in statements(work)}
    assert {sql: plan for sql, plan in plans.items() if plan.read > MOST} == {}


@pytest.mark.parametrize(
    "path",
    [
        "/scheduled-posts",
        "/scheduled-posts?status=SCHEDULED",
        "/scheduled-posts?status=SCHEDULED&status=DRAFT",
        "/scheduled-posts?status=PUBLISHED",
        "next page",
    ],
)
def test_list_reads_about_a_page(api: SignedClient, many_posts: None, path: str) -> None:
    if path == "next page":
        link = api.get("/scheduled-posts").headers["Link"]
        path = link.removeprefix("<http://testserver/v1").removesuffix('>; rel="next"')

    def read() -> None:
        assert len(api.get(path).json()) == 100

    assert_few_rows_are_read(read)


@pytest.mark.parametrize("status", ["", "&status=PUBLISHED"])
def test_list_of_what_changed_reads_about_that(api: SignedClient, many_posts: None, status: str) -> None:
    since = stamp(clock.now() - timedelta(minutes=30))

    def read() -> None:
        assert len(api.get(f"/scheduled-posts?updatedSince={since}{status}").json()) < 100

    assert_few_rows_are_read(read)


@pytest.mark.parametrize("query", ["", "?status=WAITING_FOR_APPROVAL"])
def test_page_of_the_admin_reads_about_a_page(reviewer, many_posts: None, query: str) -> None:
    browser = log_in(reviewer)

    def read() -> None:
        assert browser.get(f"{POSTS}{query}").status_code == 200

    assert_few_rows_are_read(read)


def test_checks_read_a_limited_number_of_published_posts(make_waiting, facebook, instagram) -> None:
    post = make_waiting(channels=[facebook, instagram])
    create_posts([facebook], 1)
    multiply(
        PublishedPost, PublishedPost.objects.get().pk, PAST, platform_id="'n' || n",
        channel_id=f"CASE WHEN mod(n, 2) = 0 THEN {facebook.pk} ELSE {instagram.pk} END",
        published_at="now() - n * interval '1 minute'",
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")

    plans = {sql: plan_of(sql) for sql in statements(lambda: run_checks([post], ZoneInfo("UTC")))}

    assert max(plan.read for plan in plans.values()) == context.ROWS
