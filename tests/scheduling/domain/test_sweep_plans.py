"""What sweep and claim read follows the posts that are due, not the posts that exist: plans at 100,000 rows.

PLAN_ROWS sets another number; `pytest -s` prints a table of the statements.
"""

import os
import re
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.db.models import Model

from accounts import clock
from accounts.domain import audit_log
from accounts.models import AuditChainLink, AuditEvent
from scheduling.domain import health, retention, sweep
from scheduling.domain.publishing import lease
from scheduling.lifecycle import Status
from scheduling.models import (
    Approval,
    Attempt,
    Delivery,
    DispatchState,
    Event,
    NoticeKind,
    Notification,
    NotificationDelivery,
    NotificationMedium,
    Outcome,
    ScheduledPost,
    Webhook,
)
from tests.benchmarks.fake_posts import multiply
from tests.scheduling.query_plans import Plan, plan_of, statements

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no EXPLAIN ANALYZE"),
    pytest.mark.django_db,
    pytest.mark.usefixtures("no_messages"),
]
ROWS = int(os.environ.get("PLAN_ROWS", "100000"))
OTHERS = ROWS // 5  # rows of the other tables
PAST = ROWS * 3 // 10  # of them are published
MOST = 60  # rows that one statement may read
# The seal looks for events without a link among the recent ones, whatever the size of the log.
MOST_OF_SEAL = 2 * audit_log.RECENT + 100


def first_copy(model: type[Model], pk: Any) -> Any:
    return model._default_manager.filter(pk__gt=pk).order_by("pk").values_list("pk", flat=True).first()


@pytest.fixture
def due(make_scheduled, facebook, organization, settings) -> ScheduledPost:
    """A due post among ROWS, of which PAST were published and the others are due later than the horizon."""
    settings.CHANNEL_CHECK_INTERVAL = 0
    settings.SWEEP_INTERVAL = 30  # as long as the pause of the deferrable steps, so that they run in each sweep
    hook = Webhook.objects.create(organization=organization, url="https://hook.example", kinds=["PUBLISHED"])
    post = make_scheduled(channels=[facebook])
    delivery, approval = post.deliveries.get(), post.approval
    sweep.sweep()  # seals and numbers
    number = "lpad(to_hex(n), 12, '0')"
    pk = f"('00000000-0000-4000-8000-' || {number})::uuid"
    past = f"n <= {PAST}"
    at = f"now() + CASE WHEN {past} THEN -n * interval '1 minute' ELSE n * interval '1 second' END"
    multiply(
        ScheduledPost, post.pk, ROWS, id=pk, scheduled_for=at, enqueued_at="NULL",
        status=f"CASE WHEN {past} THEN 'PUBLISHED' ELSE 'SCHEDULED' END",
        task_id=f"CASE WHEN {past} THEN NULL ELSE {pk} END",
    )  # fmt: skip
    multiply(
        Delivery, delivery.pk, ROWS, post_id=pk, platform_post_id=f"CASE WHEN {past} THEN n::text ELSE '' END",
        state=f"CASE WHEN {past} THEN 'PUBLISHED' ELSE 'PENDING' END",
        permalink="'https://x.example/'", published_at=f"CASE WHEN {past} THEN {at} END",
    )  # fmt: skip
    attempt = Attempt.objects.create(
        delivery=delivery, approval=approval, lease_id=post.pk, outcome=Outcome.PUBLISHED, finished_at=clock.now()
    )
    multiply(Approval, approval.pk, OTHERS)
    approvals, deliveries = first_copy(Approval, approval.pk), first_copy(Delivery, delivery.pk)
    multiply(Attempt, attempt.pk, OTHERS, delivery_id=f"{deliveries} + n - 1", approval_id=f"{approvals} + n - 1")
    Attempt.objects.filter(pk=attempt.pk).delete()
    notice = Notification.objects.create(
        organization=organization, kind=NoticeKind.PUBLISHED, post_id=post.pk, dedupe_key="0", fanned_out_at=clock.now()
    )
    sent = NotificationDelivery.objects.create(
        notice=notice, means=NotificationMedium.WEBHOOK, webhook=hook, state=DispatchState.SENT, attempt_count=1
    )
    multiply(Notification, notice.pk, OTHERS, id=pk, dedupe_key="n::text")
    multiply(NotificationDelivery, sent.pk, OTHERS, notice_id=pk)
    event = Event.objects.order_by("position").last()
    multiply(Event, event.pk, OTHERS, key="n::text", position=f"{event.position} + n")
    link = AuditChainLink.objects.order_by("position").last()
    newest = AuditEvent.objects.order_by("pk").last()
    recorded = AuditEvent.objects.filter(verb="submit").get()
    multiply(AuditEvent, recorded.pk, OTHERS, signature="n::text")
    multiply(AuditChainLink, link.pk, OTHERS, position=f"{link.position} + n", event_id=f"{newest.pk} + n")
    soon = clock.now() - timedelta(seconds=1)
    ScheduledPost.objects.filter(pk=post.pk).update(scheduled_for=soon, enqueued_at=None)
    post.refresh_from_db()
    return post


def claim(post: ScheduledPost) -> None:
    with transaction.atomic():
        loaded = lease.load_post(str(post.pk))
        assert loaded is not None
        assert lease.claim(*loaded, task_id=str(post.task_id)) is not None
        transaction.set_rollback(True)


def print_row(work: str, sql: str, plan: Plan) -> None:
    table = next(iter(re.findall(r'(?:FROM|UPDATE) "(\w+)"', sql)), "")
    access = "; ".join(plan.access)
    print(f"| {work} | {sql.split(maxsplit=1)[0]} {table} | {access} | {plan.read} | {plan.milliseconds:.2f} |")


def test_sweep_and_claim_read_few_rows_of_many(due):
    assert ScheduledPost.objects.filter(status=Status.SCHEDULED).count() > ROWS // 2
    found = {}
    works = {"sweep": sweep.sweep, "claim": partial(claim, due), "health": health.check_health}
    cache.clear()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    for name, sql in [(name, sql) for name, work in works.items() for sql in statements(work)]:
        plan = plan_of(sql)
        print_row(name, sql, plan)
        is_seal = "accounts_auditchainlink" in sql
        if plan.read > MOST_OF_SEAL if is_seal else plan.whole or plan.read > MOST:
            found[name, sql[:2000]] = plan
    for sql in statements(retention.delete_old):
        plan = plan_of(sql)
        print_row("retention", sql, plan)
        if plan.whole or plan.read > retention.BATCH:
            found["retention", sql[:2000]] = plan
    assert found == {}
