"""The page that calculates disk, memory and connections from posts a day, beside the sizes of today."""

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.admin.base import render_page
from accounts.admin.users import administered_organizations, is_superuser
from dynamo import capacity
from dynamo.env import env_float

TABLES = 8
DEFAULT_CONNECTIONS = 100  # PostgreSQL's max_connections
POOLED_ABOVE = 300  # connections, as in docs/scaling.md
# The tables with their indexes and TOAST, the largest first; rows as ANALYZE estimated them, -1 before the first.
SIZES = """
    SELECT relname, reltuples::bigint, pg_total_relation_size(oid) FROM pg_class
    WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace ORDER BY 3 DESC, 1
"""


class CapacityForm(forms.Form):
    posts = forms.IntegerField(label="Posts a day", min_value=1, max_value=1_000_000, initial=1_000)
    image = forms.IntegerField(
        label="Size of an image in KB", min_value=1, max_value=32_000, initial=350, help_text="As stored: 200 to 500."
    )
    audit_days = forms.IntegerField(
        label="Days that the audit log is kept",
        min_value=1,
        max_value=36_500,
        initial=365,
        help_text="Until manage.py purge_audit_log.",
    )


@require_safe
def capacity_view(request: HttpRequest) -> HttpResponse:
    """Show the form with the results. For administrators; the sizes of all organizations together for superusers."""
    if not is_superuser(request) and not administered_organizations(request).exists():
        raise PermissionDenied
    initial = {name: field.initial for name, field in CapacityForm.base_fields.items()}
    form = CapacityForm(initial | request.GET.dict())
    workers, threads = int(env_float("DYNAMO_WEB_WORKERS", 2)), int(env_float("DYNAMO_WEB_THREADS", 8))
    context: dict[str, Any] = {"form": form, "web_workers": workers, "web_threads": threads}
    if form.is_valid():
        posts, image, audit_days = (form.cleaned_data[name] for name in ("posts", "image", "audit_days"))
        context["posts"] = f"{posts:,}"
        context["needed"] = _describe(
            capacity.needed(posts, image=image * 1_000, audit_days=audit_days, web_workers=workers, web_threads=threads)
        )
    if is_superuser(request) and (sizes := _sizes()):
        context["sizes"] = [
            (name, f"{rows:,}" if rows >= 0 else "unknown", capacity.format_bytes(size))
            for name, rows, size in sizes[:TABLES]
        ]
        context["total"] = capacity.format_bytes(sum(size for *_, size in sizes))
    return render_page(request, "dynamo/capacity.html", "Capacity", **context)


def _describe(needed: capacity.Capacity) -> list[tuple[str, str]]:
    advice = ""
    if needed.connections > POOLED_ABOVE:
        advice = ": put PgBouncer in front"
    elif needed.connections > DEFAULT_CONNECTIONS:
        advice = ": raise max_connections"
    return [
        ("Database after a year", capacity.format_bytes(needed.database)),
        ("Media after a year", capacity.format_bytes(needed.media)),
        ("Publishing slots", f"{needed.slots:,} at the peak"),
        ("Publishing workers", f"{needed.publishing_workers:,} with {capacity.SLOTS_EACH} threads each"),
        ("Background workers", f"{capacity.BACKGROUND_WORKERS}"),
        ("Memory", capacity.format_bytes(needed.memory)),
        ("Connections", f"{needed.connections:,} to PostgreSQL{advice}"),
    ]


def _sizes() -> list[tuple[str, int, int]]:
    """Return name, rows and bytes of each table; none on SQLite."""
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute(SIZES)
        return list(cursor.fetchall())
