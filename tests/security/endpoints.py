"""Every door that there is: routes, bulk actions, tasks, commands, as the running product names them."""

import re
from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.core.management import get_commands
from django.test import RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import User
from dynamo.celery import app

NAMED = re.compile(r"\(\?P<(\w+)>[^()]*\)")
PLACEHOLDER = re.compile(r"<(?:\w+:)?\w+>")
OURS = ("accounts", "posts", "scheduling", "dynamo")


def routes(patterns: list[URLPattern | URLResolver] | None = None, prefix: str = "") -> Iterator[str]:
    """Yield the route of every URL in the map."""
    for one in get_resolver().url_patterns if patterns is None else patterns:
        own = NAMED.sub(r"<\1>", str(one.pattern)).removeprefix("^").removesuffix("$")
        if isinstance(one, URLResolver):
            yield from routes(one.url_patterns, prefix + own)
        else:
            yield prefix + own


def actions() -> dict[str, str]:
    """Return the bulk actions of every list on the desk, with the list's address."""
    request: Any = RequestFactory().get("/admin/")
    request.user = User(is_active=True, is_staff=True, is_superuser=True)
    found = {}
    for model, desk in admin.site._registry.items():
        for name in {getattr(one, "__name__", one) for one in desk.actions or ()} | set(desk.get_actions(request)):
            found[f"{model._meta.label_lower} {name}"] = f"/admin/{model._meta.label_lower.replace('.', '/')}/"
    return found


def tasks() -> set[str]:
    """Return the name of every task that a worker takes, but for Celery's own compositions of them."""
    app.loader.import_default_modules()
    return {name for name in app.tasks if not name.startswith("celery.")}


def commands() -> set[str]:
    """Return every management command of ours; the others come with Django and the libraries."""
    return {name for name, home in get_commands().items() if str(home).split(".")[0] in OURS}


def filled(route: str, name: str) -> str:
    """Return the address of a route with `name` for its placeholders."""
    return "/" + PLACEHOLDER.sub(name, route)
