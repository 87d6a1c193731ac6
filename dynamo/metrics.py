"""GET /metrics for Prometheus: figures of rows are read when it is requested, requests are counted by each process.

Only the web server exposes metrics. What workers do is read from the database, the cache and the broker. The cost is
constant, except that of `dynamo_posts`, which counts an index. No figure has the name of an organization or a person.
"""

import hmac
import os
import time
from collections import Counter as Tally
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Count, Manager, Min, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeHistogramMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from accounts import clock
from accounts.api.middleware import is_api
from accounts.client_ip import is_this_machine
from accounts.models import AuditChainLink, AuditEvent
from posts.graph import rate_limits
from posts.models import Channel
from scheduling.domain import health
from scheduling.lifecycle import Status
from scheduling.models import (
    Attempt,
    DispatchState,
    NotificationDelivery,
    NotificationMedium,
    Outcome,
    PublishingState,
    ScheduledPost,
)

METHODS = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}  # a client may invent others, without end
RECENT = timedelta(hours=1)
NEWEST = 5_000  # rows by id, of attempts, deliveries of notifications and audit events, among which is counted
LATENESS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900)  # seconds

REQUESTS = Counter("dynamo_http_requests", "Requests.", ["area", "method", "status"], registry=None)
SECONDS = Histogram("dynamo_http_request_seconds", "Seconds until a response began.", ["area"], registry=None)


class RequestMetricsMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        response = self.get_response(request)
        area = "api" if is_api(request) else "admin" if request.path_info.startswith("/admin/") else "other"
        method = request.method if request.method in METHODS else "other"
        REQUESTS.labels(area, method, str(response.status_code)).inc()
        SECONDS.labels(area).observe(time.perf_counter() - started)
        return response


@csrf_exempt  # a stranger's POST gets the same 404
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer the machine itself and who sends DYNAMO_METRICS_TOKEN; for others the page does not exist."""
    if not (is_this_machine(request) or _has_token(request)):
        raise Http404
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "HEAD"])
    registry = CollectorRegistry()
    registry.register(DatabaseCollector())
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:  # gunicorn.conf.py sets it
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(REQUESTS)
        registry.register(SECONDS)
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _has_token(request: HttpRequest) -> bool:
    given, expected = request.headers.get("Authorization", ""), f"Bearer {settings.METRICS_TOKEN}"
    return bool(settings.METRICS_TOKEN) and hmac.compare_digest(given.encode(), expected.encode())


class DatabaseCollector(Collector):
    """Reads the figures of the installation. Without the database only those that need none."""

    def collect(self) -> Iterator[Metric]:
        result = health.check_health()
        yield from _health(result)
        yield _labelled("queue_messages", "Messages in the broker.", "queue", health.queue_depths())
        if not result.database:
            return
        try:
            yield from [*_publishing(), *_notifications(), *_audit_log(), *_channels()]
        except DatabaseError:
            return  # it stopped just now; the next scrape has `dynamo_database_up 0`


def _gauge(name: str, documentation: str, value: float | None) -> Metric:
    """Return a gauge, without a sample when the value is None."""
    return GaugeMetricFamily(f"dynamo_{name}", documentation, value=value)


def _labelled(name: str, documentation: str, label: str, values: dict[str, int]) -> Metric:
    family = GaugeMetricFamily(f"dynamo_{name}", documentation, labels=[label])
    for word, value in values.items():
        family.add_metric([word], value)
    return family


def _health(result: health.Health) -> Iterator[Metric]:
    info = GaugeMetricFamily("dynamo_info", "The version.", labels=["version"])
    info.add_metric([settings.VERSION], 1)
    yield info
    yield _gauge("ready", "Whether /readyz answers 200.", result.ready)
    yield _gauge("database_up", "Whether the database answers.", result.database)
    yield _gauge("broker_up", "Whether the broker answers.", result.broker)
    yield _gauge("cache_up", "Whether the cache answers.", result.cache)
    yield _gauge("sweep_age_seconds", "Since the last sweep; missing before the first.", result.last_round)
    yield _gauge("sweeping_workers", "Workers that ran a sweep within DYNAMO_HEALTH_SWEEP.", result.workers)
    yield _gauge("retention_overdue_seconds", "How late old records are deleted.", result.retention_overdue)
    if flow := result.flow:
        yield _gauge("overdue_posts", "SCHEDULED posts whose time has passed.", flow.overdue)
        unsettled = flow.oldest_unsettled or 0
        yield _gauge("oldest_due_seconds", "How long the oldest unsettled post has been due, 0 without.", unsettled)
        yield _gauge(
            "oldest_lease_seconds", "Since a PUBLISHING post has no worker, 0 without.", flow.oldest_lease or 0
        )
        yield _gauge("unknown_deliveries", "Deliveries whose outcome a person has to find out.", flow.unknown)


def _publishing() -> Iterator[Metric]:
    state = PublishingState.objects.first()
    yield _gauge("publishing_held", "Whether publishing is held.", bool(state and state.held_at))
    yield _gauge("publishing_paused", "Whether the installation is paused.", bool(state and state.paused_at))
    rows = dict(ScheduledPost.objects.values_list("status").annotate(Count("pk")))
    posts = {status: rows.get(status, 0) for status in Status.values}
    yield _labelled("posts", "Scheduled posts by state, of all organizations.", "state", posts)
    outcomes: Tally[tuple[str, str]] = Tally()
    lateness: list[float] = []
    columns = ("outcome", "error_code", "started_at", "delivery__published_at", "delivery__post__scheduled_for")
    now = clock.now()
    for outcome, error_code, started_at, published_at, scheduled_for in _newest(Attempt.objects, *columns):
        if now - started_at <= RECENT:
            outcomes[outcome or "open", error_code] += 1
            if outcome == Outcome.PUBLISHED and published_at and scheduled_for:
                lateness.append(max(0.0, (published_at - scheduled_for).total_seconds()))
    attempts = GaugeMetricFamily(
        "dynamo_recent_attempts",
        f"Publishing calls of the last hour, of at most {NEWEST}. `open`: no outcome yet, or a killed worker.",
        labels=["outcome", "error"],
    )
    for labels, count in sorted(outcomes.items()):
        attempts.add_metric(labels, count)
    yield attempts
    buckets = [(str(float(bound)), sum(value <= bound for value in lateness)) for bound in LATENESS]
    yield GaugeHistogramMetricFamily(
        "dynamo_publish_lateness_seconds",
        f"From the scheduled time to the platform's confirmation, in the last hour, of at most {NEWEST}.",
        buckets=[*buckets, ("+Inf", len(lateness))],
        gsum_value=sum(lateness),
    )


def _notifications() -> Iterator[Metric]:
    pending = NotificationDelivery.objects.filter(state=DispatchState.PENDING)
    oldest = pending.aggregate(at=Min("retry_at"))["at"]
    overdue = max(0.0, (clock.now() - oldest).total_seconds()) if oldest else 0
    yield _gauge("notifications_overdue_seconds", "How late the next e-mail or webhook is.", overdue)
    waiting = dict(pending.values_list("means").annotate(Count("pk")))
    counts = {medium: waiting.get(medium, 0) for medium in NotificationMedium.values}
    yield _labelled("notifications_pending", "E-mails and webhooks that are to be sent.", "medium", counts)
    recent = GaugeMetricFamily(
        "dynamo_recent_notifications", f"The newest {NEWEST} e-mails and webhooks.", labels=["medium", "state"]
    )
    for labels, count in sorted(Tally(_newest(NotificationDelivery.objects, "means", "state")).items()):
        recent.add_metric(labels, count)
    yield recent


def _audit_log() -> Iterator[Metric]:
    now = clock.now()
    events = dict(_newest(AuditEvent.objects, "pk", "at"))
    linked = set(AuditChainLink.objects.filter(event_id__in=events).values_list("event_id", flat=True))
    sealed = [at for pk, at in events.items() if pk in linked]
    unsealed = [at for pk, at in events.items() if pk not in linked]
    head = (now - max(sealed)).total_seconds() if sealed else None
    yield _gauge("audit_head_age_seconds", "Since the newest event that the hash chains cover.", head)
    waiting = (now - min(unsealed)).total_seconds() if unsealed else 0
    yield _gauge("audit_unsealed_seconds", "Since the oldest event that no hash chain covers, 0 without.", waiting)


def _channels() -> Iterator[Metric]:
    rows = list(Channel.objects.order_by("pk").values_list("public_id", "type", "platform_id", "state"))
    yield _labelled("channels", "Channels by state.", "state", Tally(state for *_, state in rows))
    used = rate_limits.usage_percents([(type_, platform_id) for _, type_, platform_id, _ in rows])
    accounts = {public_id: used[type_, platform_id] for public_id, type_, platform_id, _ in rows}
    known = {public_id: percent for public_id, percent in accounts.items() if percent}
    yield _labelled("graph_usage_percent", "Used of the rate limit; missing while it is unknown.", "channel", known)


def _newest(rows: Manager[Any], *columns: str) -> QuerySet[Any, Any]:
    return rows.order_by("-pk").values_list(*columns)[:NEWEST]
