"""What production must have. `manage.py check --deploy` and the start commands run these; an error refuses to start."""

from typing import Any

import django
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.management import call_command
from django.core.management.base import SystemCheckError


@register(Tags.security, deploy=True)
def production_is_safe(**_: Any) -> list[CheckMessage]:
    """Refuse settings under which a promise could not be kept in production."""
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
        "E005": (settings.SANDBOXED, "GRAPH_BASE_URL names a sandbox on loopback."),
        "E006": (
            settings.MEDIA_ALLOW_LOOPBACK,
            "DYNAMO_MEDIA_ALLOW_LOOPBACK lets drafts name this machine; unset it.",
        ),
        "E007": (
            not settings.GRAPH_APP_SECRET,
            "Set GRAPH_APP_SECRET, so that every call carries its appsecret_proof.",
        ),
        "E008": (
            settings.CELERY_BROKER_TRANSPORT_OPTIONS.get("visibility_timeout", 3600) < settings.ENQUEUE_HORIZON * 3,
            "DYNAMO_ENQUEUE_HORIZON must stay well under the broker's visibility timeout.",
        ),
    }
    return [Error(text, id=f"dynamo.{code}") for code, (wrong, text) in problems.items() if wrong]


def refuse_unsafe_start() -> None:
    """Exit with what `check --deploy` says when this is production and it finds errors. Sets Django up."""
    django.setup()
    if not settings.PRODUCTION:
        return
    try:
        call_command("check", deploy=True, fail_level="ERROR")
    except SystemCheckError as error:
        raise SystemExit(f"Refusing to start.\n{error}") from None
