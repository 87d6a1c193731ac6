"""Settings, keys, files and disk of this machine."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core import checks

from accounts import encryption
from accounts.domain import audit_log
from accounts.models import AuditEvent
from dynamo import env
from dynamo.doctor.base import Finding, Level

PREFIXES = ("DYNAMO_", "GRAPH_", "EMAIL_", "S3_")
# Read by gunicorn.conf.py, tests, deploy/ and `manage.py setup`, or only without the plural, or only with S3_BUCKET.
READ_ELSEWHERE = {
    "DYNAMO_WEB_WORKERS", "DYNAMO_WEB_THREADS", "DYNAMO_WEB_NICE", "DYNAMO_BIND", "DYNAMO_CLOCK_FILE",
    "DYNAMO_ENCRYPTION_KEY", "DYNAMO_AUDIT_KEY", "DYNAMO_FUZZ_CASES", "DYNAMO_IMAGE", "DYNAMO_NETWORK",
    "DYNAMO_RELEASE", "DYNAMO_SETUP_ORGANIZATION", "DYNAMO_SETUP_USERNAME", "DYNAMO_SETUP_EMAIL",
    "DYNAMO_SETUP_TIME_ZONE", "DYNAMO_SETUP_PASSWORD", "S3_ENDPOINT_URL", "S3_REGION",
    "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY",
}  # fmt: skip
ROWS = 500  # of each column and of the audit log that are tried with the keys
LITTLE, TOO_LITTLE = 2 * 1024**3, 200 * 1024**2  # bytes of free disk
MIB = 1024**2


def settings_findings() -> Iterator[Finding]:
    """Yield what `check --deploy` finds, and variables that no setting reads."""
    if not settings.PRODUCTION:
        text = "DYNAMO_PRODUCTION is off: TLS is not required, and unsafe settings are accepted."
        yield Finding("production", "warn", text, "DYNAMO_PRODUCTION=1, see docs/operations.md")
    found = checks.run_checks(include_deployment_checks=settings.PRODUCTION)
    for message in found:
        if message.level >= checks.WARNING:
            level: Level = "fail" if message.is_serious() else "warn"
            yield Finding(message.id or "check", level, message.msg, message.hint or "docs/operations.md > Settings")
    unused = sorted(
        name
        for name in os.environ
        if name.startswith(PREFIXES) and name.removesuffix("_FILE") not in env.read_names | READ_ELSEWHERE
    )
    for name in unused:
        text = f"{name} is set, but no setting has this name."
        yield Finding(f"unknown.{name}", "warn", text, "Correct its name, see docs/operations.md > Settings")
    if not found and not unused:
        yield Finding("settings", "ok", f"The settings of version {settings.VERSION} are in order.")


def key_findings() -> Iterator[Finding]:
    """Yield whether the keys open what is stored: the newest ROWS of each column, and of the audit log."""
    total = broken = 0
    for model, column in encryption.encrypted_columns():
        rows = model._default_manager.exclude(**{column: ""}).order_by("-pk")
        values = list(rows.values_list(column, flat=True)[:ROWS])
        failed = sum(not _opens(value) for value in values)
        total, broken = total + len(values), broken + failed
        if failed:
            text = f"{failed:,} of {len(values):,} values of {model._meta.label}.{column} cannot be decrypted."
            fix = "Append the former key to DYNAMO_ENCRYPTION_KEYS. Without it: connect again, or issue a new one"
            yield Finding(f"encryption.{model._meta.label_lower}.{column}", "fail", text, fix)
    if not broken:
        yield Finding("encryption", "ok", f"DYNAMO_ENCRYPTION_KEYS open what is stored ({total:,} values tried).")
    events = list(AuditEvent.objects.order_by("-pk")[:ROWS])
    foreign = sum(not audit_log.is_authentic(event) for event in events)
    if foreign:
        text = f"{foreign:,} of the newest {len(events):,} audit events do not verify; their posts are not published."
        yield Finding("audit", "fail", text, "Append the former key to DYNAMO_AUDIT_KEYS; manage.py verify_audit_log")
    else:
        yield Finding("audit", "ok", f"DYNAMO_AUDIT_KEYS verify the newest {len(events):,} audit events.")


def _opens(ciphertext: str) -> bool:
    try:
        encryption.decrypt(ciphertext)
    except encryption.InvalidToken:
        return False
    return True


def file_findings() -> Iterator[Finding]:
    """Yield free space, and files with secrets that others can read."""
    folders = {"DYNAMO_VAR": Path(settings.VAR_DIR)}
    if not os.environ.get("S3_BUCKET"):
        folders["media"] = Path(settings.MEDIA_ROOT)
    for name, folder in folders.items():
        if not folder.exists():
            continue
        free = shutil.disk_usage(folder).free
        level: Level = "fail" if free < TOO_LITTLE else "warn" if free < LITTLE else "ok"
        text = f"{free // MIB:,} MiB are free in {folder}."
        yield Finding(f"disk.{name}", level, text, "Free space, or move DYNAMO_VAR or the media to S3_BUCKET")
        if not os.access(folder, os.W_OK):
            yield Finding(f"writable.{name}", "fail", f"{folder} cannot be written by this user.", f"chown {folder}")
    secret = [Path(settings.VAR_DIR), *Path(settings.VAR_DIR).glob("secrets/*")]
    secret += [Path(path) for name, path in os.environ.items() if name.endswith("_FILE") and name.startswith(PREFIXES)]
    exposed = [path for path in secret if path.exists() and path.stat().st_mode & 0o007]
    for path in exposed:
        yield Finding(f"permissions.{path.name}", "fail", f"Other users can read {path}.", f"chmod o= {path}")
    if not exposed:
        yield Finding("permissions", "ok", "Other users cannot read the folders and files with secrets.")
