"""Errors to Sentry and traces to OpenTelemetry, off until the operator names an address: docs/monitoring.md.

Neither service receives content, people, secrets or paths: a path can contain the token of an invitation or of a signed
media URL, so that a request is named by its route.
"""

from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse

from accounts.api.middleware import REQUEST_ID, current, task_ids

INSTALL = "which pip install --require-hashes -r requirements/telemetry.txt installs"
# What the instrumentation of Django records of a request's address, before and after HTTP's names became stable.
ADDRESS_ATTRIBUTES = ("http.url", "http.target", "url.full", "url.path", "url.query")
CLIENT_ATTRIBUTES = ("net.peer.ip", "net.peer.name", "client.address", "http.user_agent", "user_agent.original")


def start() -> None:
    """Start what is configured in this process. Raises ImproperlyConfigured without the packages."""
    if settings.SENTRY_DSN:
        _start_sentry()
    if settings.OTLP_ENDPOINT:
        _start_tracing()


def _start_sentry() -> None:
    try:
        import sentry_sdk
    except ImportError as error:
        raise ImproperlyConfigured(f"SENTRY_DSN needs sentry-sdk, {INSTALL}.") from error
    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        release=f"dynamo@{settings.VERSION}",
        send_default_pii=False,
        include_local_variables=False,  # of the frames: tokens and captions
        max_request_body_size="never",
        max_breadcrumbs=0,  # they have the URLs of requests to the platform
        before_send=_without_content,
    )


def _without_content(event: Any, _hint: Any) -> Any:
    """Leave of a request its method, and add the ids that log lines have."""
    if request := event.get("request"):
        event["request"] = {"method": request.get("method", "")}
    event.pop("user", None)
    event.setdefault("tags", {}).update({"request_id": current.get(), **(task_ids.get() or {})})
    return event


def _start_tracing() -> None:
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.instrumentation.celery import CeleryInstrumentor
        from opentelemetry.instrumentation.django import DjangoInstrumentor
        from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise ImproperlyConfigured(f"OTEL_EXPORTER_OTLP_ENDPOINT needs opentelemetry-sdk, {INSTALL}.") from error
    # The detector reads OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES, which come first.
    resource = Resource({SERVICE_NAME: "dynamo", SERVICE_VERSION: settings.VERSION}).merge(
        OTELResourceDetector().detect()
    )
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    DjangoInstrumentor().instrument(response_hook=_name_by_route)
    CeleryInstrumentor().instrument()  # type: ignore[no-untyped-call]


def _name_by_route(span: Any, request: HttpRequest, _response: HttpResponse) -> None:
    """Replace the address in a request's span by its route, and remove the client's address and software."""
    recorded = getattr(span, "attributes", None) or {}
    match = request.resolver_match
    for name in ADDRESS_ATTRIBUTES:
        if name in recorded:
            span.set_attribute(name, f"/{match.route}" if match else "")
    for name in CLIENT_ATTRIBUTES:
        if name in recorded:
            span.set_attribute(name, "")
    span.set_attribute("dynamo.request_id", request.META.get(REQUEST_ID, ""))
