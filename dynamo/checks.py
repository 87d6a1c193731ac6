"""Checks for production. `manage.py check --deploy` runs them, and web, worker and beat refuse to start on an error."""

import sys
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import DatabaseError, connection

MIN_KEY_LENGTH, MIN_KEY_CHARACTERS = 32, 10  # characters, and different ones among them


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
            settings.MEDIA_ALLOW_LOOPBACK and not settings.SANDBOXED,  # with a sandbox it is on by default, see E005
            "Unset DYNAMO_MEDIA_ALLOW_LOOPBACK: it allows media URLs of this machine.",
        ),
        "E007": (not settings.GRAPH_APP_SECRET, "Set GRAPH_APP_SECRET, so that every call has an appsecret_proof."),
        "E008": (
            settings.CELERY_BROKER_TRANSPORT_OPTIONS.get("visibility_timeout", 3600) < settings.ENQUEUE_HORIZON * 3,
            "DYNAMO_ENQUEUE_HORIZON must be at most a third of the broker's visibility timeout.",
        ),
        "E009": (
            any(host.startswith("*") or host == "." for host in settings.ALLOWED_HOSTS),
            "DYNAMO_ALLOWED_HOSTS must name the hosts: `*` accepts a forged Host header.",
        ),
        "E010": (
            not settings.SANDBOXED and not _is_https(settings.GRAPH_BASE_URL),
            "GRAPH_BASE_URL must start with https://, because requests to it carry access tokens.",
        ),
        "E011": (
            any(_is_weak(key) for key in _keys()),
            f"Each of DYNAMO_SECRET_KEY, _ENCRYPTION_KEYS and _AUDIT_KEYS needs {MIN_KEY_LENGTH} random characters.",
        ),
        "E012": (
            max(Counter([*_keys(), settings.GRAPH_APP_SECRET]).values()) > 1,
            "DYNAMO_SECRET_KEY, _ENCRYPTION_KEYS, _AUDIT_KEYS and GRAPH_APP_SECRET must not share a key.",
        ),
        "E013": (
            not _is_https(settings.ADMIN_URL),
            "DYNAMO_ADMIN_URL must start with https://: the links in e-mails and invitations lead there.",
        ),
    }
    return [Error(text, id=f"dynamo.{code}") for code, (is_problem, text) in problems.items() if is_problem]


@register(Tags.security, deploy=True)
def instagram_can_fetch_media(**_: Any) -> list[CheckMessage]:
    """Warn when Instagram cannot reach this installation, as far as the settings show."""
    from scheduling.domain.public_address import check_public_url

    problem = check_public_url() if settings.PRODUCTION else ""
    return [Warning(problem, id="dynamo.W001")] if problem else []


@register(Tags.security, deploy=True)
def channels_can_be_connected(**_: Any) -> list[CheckMessage]:
    if not settings.PRODUCTION or settings.GRAPH_APP_ID:
        return []
    return [Warning("Set GRAPH_APP_ID: without it no channel can be connected.", id="dynamo.W002")]


def _keys() -> list[str]:
    """Return all keys, each once for each purpose; a key that is repeated within one list counts once."""
    return [settings.SECRET_KEY, *set(settings.ENCRYPTION_KEYS), *set(settings.AUDIT_KEYS)]


def _is_weak(key: str) -> bool:
    return len(key) < MIN_KEY_LENGTH or len(set(key)) < MIN_KEY_CHARACTERS


def _is_https(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" and bool(parts.hostname)


def refuse_unsafe_start() -> None:
    """Set Django up, and print why and raise SystemExit when this process must not start.

    That is in production for an error of `check --deploy`, and everywhere for encryption keys that do not decrypt what
    the database stores.
    Printed here, because Celery beat exits without the text of the exception.
    """
    django.setup()
    problem = _deploy_errors() if settings.PRODUCTION else ""
    if problem := problem or _key_problem():
        print(f"Refusing to start.\n{problem}", file=sys.__stderr__, flush=True)
        raise SystemExit(1)


def _deploy_errors() -> str:
    try:
        call_command("check", deploy=True, fail_level="ERROR")
    except SystemCheckError as error:
        return str(error)
    return ""


def _key_problem() -> str:
    """Return a sentence for wrong encryption keys; empty also while the database does not answer or has no tables."""
    from accounts import encryption

    try:
        encryption.check_keys()
    except encryption.InvalidToken:
        return (
            "DYNAMO_ENCRYPTION_KEYS do not decrypt what the database stores. Set the keys that the other processes "
            "use, or those that belong to the restored backup."
        )
    except DatabaseError:
        return ""
    finally:
        connection.close()  # the web server forks after this
    return ""
