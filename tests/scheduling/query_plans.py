"""How PostgreSQL executes a statement: the rows that it reads from the tables that grow, and by which indexes."""

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditChainLink, AuditEvent
from posts.models import PublishedPost
from scheduling.models import Attempt, Delivery, Event, Notification, NotificationDelivery, ScheduledPost

GROWING = {
    model._meta.db_table
    for model in (
        ScheduledPost,
        Delivery,
        PublishedPost,
        Attempt,
        Notification,
        NotificationDelivery,
        Event,
        AuditEvent,
        AuditChainLink,
    )
}


class Plan(NamedTuple):
    """`read`: rows read from the growing tables; `whole`: those of them that were read as a whole."""

    read: int
    whole: set[str]
    access: list[str]  # how each growing table was read
    milliseconds: float


def plan_of(sql: str) -> Plan:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}")
        [found] = cursor.fetchone()
        transaction.set_rollback(True)  # ANALYZE executes an UPDATE
    [root] = json.loads(found) if isinstance(found, str) else found
    read, whole, access = 0, set(), []
    for node in nodes(root["Plan"]):
        if node.get("Index Name") or "Scan" in node["Node Type"]:
            access.append(f"{node['Node Type']} {node.get('Index Name') or node.get('Relation Name', '')}".strip())
        if node.get("Relation Name") in GROWING and node["Node Type"] != "ModifyTable":
            removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
            read += (node["Actual Rows"] + removed) * node["Actual Loops"]
            if node["Node Type"] == "Seq Scan" and node["Actual Loops"]:
                whole.add(node["Relation Name"])
    return Plan(read, whole, access, root["Execution Time"])


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def statements(work: Callable[[], Any]) -> list[str]:
    """Return the statements that `work` executes, without INSERT and the control of transactions."""
    with CaptureQueriesContext(connection) as captured:
        work()
    return [query["sql"] for query in captured if query["sql"].startswith(("SELECT", "UPDATE", "DELETE"))]
