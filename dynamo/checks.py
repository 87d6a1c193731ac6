"""Checks for production. `manage.py check --deploy` runs them, and web, worker and beat refuse to start on an error."""

from typing import Any

import django
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004
from django.core.management import call_command
from django.core.management.base import SystemCheckError


@register(Tags.security, deploy=True)
def production_is_safe(**_: Any) -> list[CheckMessage]:
    if not settings.PRODUCTION:
        return []
    problems = {
        "E001": (
            not settings.SECRETS_ARE_OURS,
            "Set DYNAMO_SECRET_KEY, DYNAMO_ENCRYPTION_KEYS and DYNAMO_AUDIT_KEYS (or their _FILE forms).",
        ),
        "E002": (settings.DEBUG, "DYNAMO_DEBUG must be off."),
        "E003": (
            settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"),
            "Set DATABASE_URL to a PostgreSQL server.",
        ),
        "E004": (settings.CELERY_BROKER_URL.startswith("filesystem"), "Set REDIS_URL to a Redis server."),
        "E005": (settings.SANDBOXED, "GRAPH_BASE_URL is a sandbox on loopback."),
        "E006": (
            settings.MEDIA_ALLOW_LOOPBACK,
            "Unset DYNAMO_MEDIA_ALLOW_LOOPBACK: it allows media URLs of this machine.",
        ),
        "E007": (not settings.GRAPH_APP_SECRET, "Set GRAPH_APP_SECRET, so that every call has an appsecret_proof."),
        "E008": (
            settings.CELERY_BROKER_TRANSPORT_OPTIONS.get("visibility_timeout", 3600) < settings.ENQUEUE_HORIZON * 3,
            "DYNAMO_ENQUEUE_HORIZON must be at most a third of the broker's visibility timeout.",
        ),
    }
    return [Error(text, id=f"dynamo.{code}") for code, (is_problem, text) in problems.items() if is_problem]


@register(Tags.security, deploy=True)
def instagram_can_fetch_media(**_: Any) -> list[CheckMessage]:
    """Warn when Instagram cannot reach this installation, as far as the settings show."""
    from scheduling.domain.public_address import check_public_url

    problem = check_public_url() if settings.PRODUCTION else ""
    return [Warning(problem, id="dynamo.W001")] if problem else []


def refuse_unsafe_start() -> None:
    """Set Django up. In production, raise SystemExit with the errors of `check --deploy`."""
    django.setup()
    if not settings.PRODUCTION:
        return
    try:
        call_command("check", deploy=True, fail_level="ERROR")
    except SystemCheckError as error:
        raise SystemExit(f"Refusing to start.\n{error}") from None
