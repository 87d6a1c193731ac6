"""Sentry and OpenTelemetry, against receivers of their protocols: what arrives, and what never does."""

import gzip
import json
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from accounts.models import ApiKey
from dynamo.celery import app
from tests.helpers import SignedClient
from tests.services.processes import ProcessGroup, eventually
from tests.services.webhook_receiver import Receiver, receiving

pytestmark = pytest.mark.processes
# A process of the product with one more view, which fails.
FAILING_VIEW = """
from dynamo.wsgi import application
from django.conf import settings
from django.test import RequestFactory
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

@csrf_exempt
def fail(request, token):
    caption = token + " of the caption"
    raise ValueError("no content")

urlpatterns = [path("invitations/<token>", fail), path("", include("dynamo.urls"))]
settings.ROOT_URLCONF = "__main__"
request = RequestFactory().post(
    "/invitations/path-secret?code=query-secret",
    {"caption": "body-secret"},
    headers={
        "Authorization": "Bearer header-secret", "Cookie": "sessionid=cookie-secret", "x-request-id": "find-me",
        "x-signature": "signature-secret", "User-Agent": "agent-secret",
    },
    REMOTE_ADDR="203.0.113.7", SERVER_NAME="localhost",
)
statuses = []
application(request.environ, lambda status, headers, exc_info=None: statuses.append(status))
assert statuses == ["500 Internal Server Error"]
"""
ROUTE = "v1/scheduled-posts/<str:post_id>/submit-for-approval"
HIDDEN = ("-secret", "of the caption", "203.0.113.7")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


def bodies(receiver: Receiver) -> list[bytes]:
    """Return what the receiver was sent, decompressed."""
    return [
        gzip.decompress(body) if headers.get("Content-Encoding") == "gzip" else body
        for _, headers, body in receiver.calls
    ]


def errors(receiver: Receiver) -> list[dict[str, Any]]:
    """Return the events in Sentry's envelopes: lines of JSON, of which every second describes the next."""
    parts = [line for body in bodies(receiver) for line in body.decode().splitlines()]
    return [event for event in map(json.loads, parts) if "exception" in event]


def spans(receiver: Receiver) -> list[Any]:
    exports = [ExportTraceServiceRequest.FromString(body) for body in bodies(receiver)]
    return [
        span
        for export in exports
        for resource in export.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def attributes(span: Any) -> dict[str, str]:
    return {item.key: item.value.string_value for item in span.attributes}


def dsn(receiver: Receiver) -> str:
    return receiver.url.replace("http://", "http://public@") + "/1"


def test_error_of_a_request_has_its_route_and_no_content(processes: ProcessGroup, receiver: Receiver) -> None:
    failed = processes.start("request", ["-c", FAILING_VIEW], SENTRY_DSN=dsn(receiver))
    assert failed.popen.wait(120) == 0, failed.output()
    [event] = errors(receiver)
    [exception] = event["exception"]["values"]
    assert (exception["type"], exception["value"]) == ("ValueError", "no content")
    assert event["transaction"] == "/invitations/{token}"
    assert event["request"] == {"method": "POST"}
    assert event["tags"]["request_id"] == "find-me"
    assert event["release"].startswith("dynamo@")
    assert not [word for word in HIDDEN for body in bodies(receiver) if word in body.decode()]


def test_error_of_a_task_has_its_ids(processes: ProcessGroup, receiver: Receiver) -> None:
    processes.worker("--pool", "threads", queues="media", SENTRY_DSN=dsn(receiver))
    app.send_task("scheduling.inspect_media", args=["not-an-id", 1])
    [event] = eventually(lambda: errors(receiver))
    assert event["tags"]["task"] == "scheduling.inspect_media"
    assert event["tags"]["post_id"] == "not-an-id"


def test_trace_leads_from_the_request_to_the_task_without_addresses(
    processes: ProcessGroup, receiver: Receiver, key: ApiKey, make_draft: Callable[..., Any]
) -> None:
    tracing = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_BSP_SCHEDULE_DELAY": "200"}
    processes.worker("--pool", "threads", queues="media", **tracing)
    _, url = processes.web(DYNAMO_WEB_WORKERS="1", **tracing)
    post = make_draft()
    request = urllib.request.Request(
        f"{url}/v1/scheduled-posts/{post.pk}/submit-for-approval",
        data=b"",
        headers={**SignedClient(key).signature(), "User-Agent": "agent-secret"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 200

    def traces(found: list[Any]) -> set[bytes]:
        """Return the traces of both: the request, and the task that it enqueued."""
        requests = {span.trace_id for span in found if attributes(span).get("http.route") == ROUTE}
        return requests & {span.trace_id for span in found if span.name == "run/scheduling.inspect_media"}

    assert len(eventually(lambda: traces(spans(receiver)), what="one trace of the request and its task")) == 1
    sent = b"".join(bodies(receiver))
    assert str(post.pk).encode() not in sent
    assert b"unknown_service" not in sent
    assert b"agent-secret" not in sent
    assert key.secret.encode() not in sent


@pytest.mark.parametrize(
    ("variable", "module"),
    [("SENTRY_DSN", "sentry_sdk"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "opentelemetry.instrumentation.celery")],
)
def test_missing_package_is_named(processes: ProcessGroup, variable: str, module: str) -> None:
    """As on an installation of requirements/run.txt: an import of None fails like that of a missing package."""
    program = f"import sys; sys.modules[{module!r}] = None\nimport django; django.setup()"
    started = processes.start("missing", ["-c", program], **{variable: "http://public@127.0.0.1:9/1"})
    assert started.popen.wait(120) == 1
    assert variable in started.output()
    assert "requirements/telemetry.txt" in started.output()


def test_services_are_off_by_default(processes: ProcessGroup) -> None:
    """redis loads the API of OpenTelemetry by itself where it is installed; nothing is instrumented with it."""
    program = """
import sys
import django
django.setup()
sys.exit(any(name.startswith(("sentry_sdk", "opentelemetry.instrumentation")) for name in sys.modules))
"""
    assert processes.start("plain", ["-c", program]).popen.wait(120) == 0
