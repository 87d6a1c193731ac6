"""For whoever watches the machines: unsigned, and without a word of anybody's content."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from scheduling.domain import health


@require_safe
@never_cache
def healthz(_request: HttpRequest) -> JsonResponse:
    """Say that this process is up. Asks nobody else."""
    return JsonResponse({"up": True})


@require_safe
@never_cache
def readyz(_request: HttpRequest) -> JsonResponse:
    """Say whether posts go out: 200 or 503, with counts and ages."""
    seen = health.look()
    return JsonResponse(health.as_json(seen), status=200 if seen.ready else 503)
