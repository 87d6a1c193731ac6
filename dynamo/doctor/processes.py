"""What runs: beat and workers, clocks, and the address under which the installation is reached."""

import io
import json
from collections.abc import Iterator
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection
from django.http.request import validate_host

from accounts import clock
from dynamo.doctor.base import Finding, Level
from posts.graph import client, safe_http
from scheduling.domain import health, public_address

FAST_ENOUGH, TOO_FAR = 1.0, 5.0  # seconds between two clocks


def worker_findings() -> Iterator[Finding]:
    """Yield what the workers recorded in the database."""
    seen = health.worker_status()
    problems = list(health.sweep_problems(seen))
    for number, problem in enumerate(problems):
        yield Finding(f"workers.{number}", "fail", problem, "docs/operations.md: the commands of worker and beat")
    if not problems:
        text = f"The sweep ran {seen.last_round or 0:.0f} s ago; {seen.workers} publishing workers were seen lately."
        yield Finding("workers", "ok", text)


def clock_findings() -> Iterator[Finding]:
    """Compare this machine's clock with the database's, and with the platform's where it answered."""
    if clock.FILE and settings.PRODUCTION:
        yield Finding("clock.file", "fail", "DYNAMO_CLOCK_FILE shifts the clock.", "Unset DYNAMO_CLOCK_FILE")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            [now] = cursor.fetchone()
        yield _compare("database", (clock.now() - now).total_seconds())
    if (platform := client.platform_now()) is not None:
        yield _compare("platform", (clock.now() - platform).total_seconds())
    else:
        text = "The platform's clock is not known: it answered no call of this command."
        yield Finding("clock.platform", "info", text, "manage.py doctor, with GRAPH_APP_ID and GRAPH_APP_SECRET")


def _compare(what: str, ahead: float) -> Finding:
    away = abs(ahead)
    level: Level = "ok" if away <= FAST_ENOUGH else "warn" if away <= TOO_FAR else "fail"
    text = f"The clock of this machine is {away:.1f} s {'ahead of' if ahead > 0 else 'behind'} the {what}'s."
    return Finding(f"clock.{what}", level, text, "Synchronize the clocks: chrony or systemd-timesyncd")


def address_findings() -> Iterator[Finding]:
    """Check the public addresses by the settings, and by a request from this machine."""
    for name, url in (("ADMIN_URL", settings.ADMIN_URL), ("PUBLIC_URL", settings.PUBLIC_URL)):
        host = urlsplit(url).hostname or ""
        if not validate_host(host, settings.ALLOWED_HOSTS):
            text = f"DYNAMO_{name} is {url}, but DYNAMO_ALLOWED_HOSTS does not contain {host}."
            yield Finding(f"address.{name.lower()}", "fail", text, "DYNAMO_ALLOWED_HOSTS")
    if problem := public_address.check_public_url():
        yield Finding("address.public", "fail" if settings.PRODUCTION else "warn", problem, "DYNAMO_PUBLIC_URL")
        return
    body = io.BytesIO()
    fix = "DNS, certificate, proxy and firewall of this address. From outside the result may differ"
    try:
        safe_http.fetch(f"{settings.PUBLIC_URL}/healthz", body, cap=10_000)
        is_ours = json.loads(body.getvalue()).get("version") == settings.VERSION
    except safe_http.FetchError as error:
        text = f"{settings.PUBLIC_URL} cannot be reached from this machine. {str(error).rstrip('.')}."
        yield Finding("address.reached", "warn", text, fix)
        return
    except (ValueError, AttributeError):
        is_ours = False
    if is_ours:
        yield Finding("address.reached", "ok", f"{settings.PUBLIC_URL} leads to this version of Dynamo.")
    else:
        text = f"{settings.PUBLIC_URL} does not lead to version {settings.VERSION} of Dynamo."
        yield Finding("address.reached", "fail", text, fix)
