"""/metrics: who may read it, and that its figures are those of the rows."""

import json
import re
import urllib.request
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from django.conf import settings as installation
from django.core.cache import cache
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from accounts import clock
from accounts.domain import audit_log
from accounts.models import User
from posts.graph import rate_limits
from posts.graph.account import Account
from scheduling.domain import enqueue, sweep
from scheduling.models import Attempt, Delivery, DeliveryState, Outcome, ScheduledPost
from tests.security.db_diff import all_rows
from tests.services.processes import ProcessGroup

DEPLOY = Path(installation.BASE_DIR, "deploy")
TOKEN = "a-token-of-prometheus"
SCRAPED = {"REMOTE_ADDR": "203.0.113.7", "HTTP_AUTHORIZATION": f"Bearer {TOKEN}"}
Samples = dict[tuple[str, tuple[str, ...]], float]


def parse(text: str) -> Samples:
    """Return the values by name and label values, which are in the order of the labels' names."""
    families = text_string_to_metric_families(text)
    return {
        (sample.name, tuple(sample.labels.values())): sample.value for family in families for sample in family.samples
    }


def scrape(client: Client) -> Samples:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    return parse(answer.content.decode())


@pytest.mark.django_db
@pytest.mark.embedded
@pytest.mark.parametrize(
    "stranger",
    [
        {"REMOTE_ADDR": "203.0.113.7"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "203.0.113.7"},
        {"REMOTE_ADDR": "203.0.113.7", "HTTP_AUTHORIZATION": "Bearer another-token"},
        {"REMOTE_ADDR": "203.0.113.7", "HTTP_AUTHORIZATION": TOKEN},
        {"REMOTE_ADDR": "203.0.113.7", "HTTP_AUTHORIZATION": "Bearer é"},
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_metrics_do_not_exist_for_strangers(settings, stranger: dict[str, str], method: str) -> None:
    settings.METRICS_TOKEN = TOKEN
    operator = Client(enforce_csrf_checks=True)
    operator.force_login(User.objects.create_superuser("root"), backend="django.contrib.auth.backends.ModelBackend")
    assert getattr(operator, method)("/metrics", **stranger).status_code == 404


@pytest.mark.django_db
@pytest.mark.embedded
def test_metrics_are_shown_with_the_token_and_not_without_a_setting(settings, client: Client) -> None:
    settings.METRICS_TOKEN = TOKEN
    assert client.get("/metrics", **SCRAPED).status_code == 200
    assert client.post("/metrics", **SCRAPED).status_code == 405
    settings.METRICS_TOKEN = ""
    nothing = {**SCRAPED, "HTTP_AUTHORIZATION": "Bearer "}
    assert [client.get("/metrics", **headers).status_code for headers in (SCRAPED, nothing)] == [404, 404]


@pytest.mark.django_db
@pytest.mark.embedded
def test_metrics_count_posts_attempts_and_lateness(client: Client, make_scheduled, make_draft, facebook) -> None:
    make_draft()
    published, refused, old = (make_scheduled(channels=[facebook]) for _ in range(3))
    late = timedelta(seconds=4)
    for post, outcome, code, ago in (
        (published, Outcome.PUBLISHED, "", timedelta()),
        (refused, Outcome.REFUSED, "INVALID_MEDIA", timedelta()),
        (old, Outcome.REFUSED, "INVALID_MEDIA", timedelta(hours=2)),
    ):
        Attempt.objects.create(
            delivery=post.deliveries.get(),
            approval=post.approval,
            lease_id=post.pk,
            outcome=outcome,
            error_code=code,
            started_at=clock.now() - ago,
        )
    Delivery.objects.filter(post=published).update(
        state=DeliveryState.PUBLISHED, published_at=published.scheduled_for + late
    )
    before = all_rows()
    samples = scrape(client)
    assert all_rows() == before
    assert samples["dynamo_posts", ("DRAFT",)] == 1
    assert samples["dynamo_posts", ("SCHEDULED",)] == 3
    assert samples["dynamo_posts", ("PUBLISHED",)] == 0
    recent = {labels: value for (name, labels), value in samples.items() if name == "dynamo_recent_attempts"}
    assert recent == {("", "published"): 1, ("INVALID_MEDIA", "refused"): 1}  # error, outcome
    buckets = {labels: value for (name, labels), value in samples.items() if name.endswith("lateness_seconds_bucket")}
    assert (buckets["2.5",], buckets["5.0",], buckets["+Inf",]) == (0, 1, 1)


@pytest.mark.django_db
@pytest.mark.embedded
def test_metrics_show_due_posts_queues_and_heartbeats(client: Client, make_scheduled) -> None:
    post = make_scheduled()
    sweep.sweep("w1@here")
    ScheduledPost.objects.filter(pk=post.pk).update(scheduled_for=clock.now() - timedelta(minutes=3))
    depth = scrape(client)["dynamo_queue_messages", ("notifications",)]
    assert enqueue.send_task("deliver_notification", 0)
    samples = scrape(client)
    assert 180 <= samples["dynamo_oldest_due_seconds", ()] < 240
    assert samples["dynamo_overdue_posts", ()] == 1
    assert samples["dynamo_ready", ()] == 0
    assert samples["dynamo_sweep_age_seconds", ()] < 60
    assert samples["dynamo_queue_messages", ("notifications",)] == depth + 1


@pytest.mark.django_db
@pytest.mark.embedded
def test_metrics_show_unsealed_events_usage_and_no_names(client: Client, make_scheduled, facebook) -> None:
    cache.clear()
    make_scheduled(channels=[facebook])
    account = Account(facebook.type, facebook.platform_id, "token")
    samples = scrape(client)
    assert ("dynamo_graph_usage_percent", (facebook.public_id,)) not in samples
    assert samples["dynamo_audit_unsealed_seconds", ()] > 0
    rate_limits.record_usage(account, {"X-Page-Usage": json.dumps({"call_count": 37})})
    audit_log.seal()
    samples = scrape(client)
    assert samples["dynamo_graph_usage_percent", (facebook.public_id,)] == 37
    assert samples["dynamo_audit_unsealed_seconds", ()] == 0
    assert 0 <= samples["dynamo_audit_head_age_seconds", ()] < 60
    text = client.get("/metrics").content.decode()
    hidden = [facebook.name, facebook.organization.name, "Olá"]
    assert [word for word in hidden if word in text] == []


@pytest.mark.django_db
@pytest.mark.embedded
def test_metrics_queries_do_not_grow_with_rows(client: Client, make_scheduled, django_assert_max_num_queries) -> None:
    for _ in range(3):
        make_scheduled()
    with django_assert_max_num_queries(30):
        client.get("/metrics")


@pytest.mark.processes
@pytest.mark.django_db
def test_requests_are_counted_over_all_processes_of_the_web_server(processes: ProcessGroup) -> None:
    _, url = processes.web(DYNAMO_WEB_WORKERS="2")
    for _ in range(40):
        urllib.request.urlopen(f"{url}/healthz", timeout=20).close()
    for _ in range(3):  # whichever process answers
        with urllib.request.urlopen(f"{url}/metrics", timeout=20) as answer:
            samples = parse(answer.read().decode())
        assert samples["dynamo_http_requests_total", ("other", "GET", "200")] >= 40
        assert samples["dynamo_http_request_seconds_count", ("other",)] >= 40


def test_metrics_without_a_database_show_that_it_is_down(processes: ProcessGroup) -> None:
    _, url = processes.web(DATABASE_URL="postgresql://dynamo@127.0.0.1:1/none")
    with urllib.request.urlopen(f"{url}/metrics", timeout=20) as answer:
        samples = parse(answer.read().decode())
    assert (samples["dynamo_database_up", ()], samples["dynamo_ready", ()]) == (0, 0)
    assert ("dynamo_posts", ("DRAFT",)) not in samples


RULES = [
    rule
    for group in yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text(encoding="utf-8"))
OF_DASHBOARD = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]


def named(expressions: list[str]) -> set[str]:
    """Return the metrics that PromQL expressions name, a histogram by the name of its family."""
    names = {name for expression in expressions for name in re.findall(r"\bdynamo_\w+", expression)}
    return {re.sub("_(bucket|total)$", "", name) for name in names}


@pytest.mark.django_db
def test_alerts_dashboard_and_documentation_name_existing_metrics(client: Client) -> None:
    families = text_string_to_metric_families(client.get("/metrics").content.decode())
    existing = {family.name.removesuffix("_created") for family in families if family.name.startswith("dynamo_")}
    # In the text format prometheus_client writes these of a gauge histogram as gauges of their own.
    existing -= {"dynamo_publish_lateness_seconds_gsum", "dynamo_publish_lateness_seconds_gcount"}
    text = Path(installation.BASE_DIR, "docs", "monitoring.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| (`dynamo_.*?) \| ", text, flags=re.MULTILINE)
    assert named(table) == existing
    assert named([rule["expr"] for rule in RULES]) <= existing
    assert existing - named(OF_DASHBOARD) == set()
    assert named(OF_DASHBOARD) <= existing


def test_alert_rules_are_complete() -> None:
    assert len({rule["alert"] for rule in RULES}) == len(RULES) > 15
    for rule in RULES:
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert rule["annotations"]["summary"]
        assert re.fullmatch(r"\d+[mh]", rule.get("for", "1m"))


def test_dashboard_panels_do_not_overlap() -> None:
    cells = [
        (x, y)
        for at in (panel["gridPos"] for panel in DASHBOARD["panels"])
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
