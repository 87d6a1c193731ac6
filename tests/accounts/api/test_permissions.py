"""Scopes of API keys."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.views import APIView

from accounts.api.permissions import METHODS, required_scope
from accounts.models import ApiKey, Scope
from tests.helpers import SignedClient

NO_POST = "00000000-0000-0000-0000-000000000000"
NEEDS = {
    "GET /organizations": "read",
    "GET /channels": "read",
    "GET /superpowers": "read",
    "GET /posts": "read",
    "GET /posts/1": "read",
    "GET /posts/1/insights": "read",
    "GET /posts/1/comments": "read",
    "GET /posts/1/comments/export": "read",
    "GET /scheduled-posts": "read",
    "POST /scheduled-posts": "draft",
    f"GET /scheduled-posts/{NO_POST}": "read",
    f"PATCH /scheduled-posts/{NO_POST}": "draft",
    f"DELETE /scheduled-posts/{NO_POST}": "draft",
    f"POST /scheduled-posts/{NO_POST}/submit-for-approval": "draft",
    f"POST /scheduled-posts/{NO_POST}/reject": "queue",
    f"POST /scheduled-posts/{NO_POST}/revert": "queue",
}


def views(resolver: URLResolver | None = None) -> Iterator[type[APIView]]:
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            yield from views(pattern)
        elif isinstance(pattern, URLPattern) and hasattr(pattern.callback, "cls"):
            yield pattern.callback.cls


def test_every_method_of_every_view_declares_its_scope() -> None:
    methods = [(view, method) for view in views() for method in METHODS if hasattr(view, method)]
    assert len(methods) > len(NEEDS)
    for view, method in methods:
        required_scope(view, method)


def test_undeclared_method_raises_improperly_configured() -> None:
    class Forgetful(APIView):
        def get(self) -> None: ...

    with pytest.raises(ImproperlyConfigured, match="Forgetful does not declare the scope that get needs"):
        required_scope(Forgetful, "get")


def test_missing_scope_gets_403_with_its_name(api: SignedClient) -> None:
    for call, scope in NEEDS.items():
        ApiKey.objects.update(scopes=[value for value in Scope.values if value != scope])
        answer = api.call(*call.split())
        assert (answer.status_code, answer.json()) == (
            403,
            {"message": f"This key lacks the scope {scope}", "code": "scope.missing"},
        ), call
        ApiKey.objects.update(scopes=[scope])
        assert api.call(*call.split()).status_code != 403, call


def test_approve_with_any_scopes_gets_403(make_key: Callable[..., ApiKey], organization: Any, author: Any) -> None:
    for scopes in ([], Scope.values):
        answer = SignedClient(make_key(organization, author, scopes=scopes)).post(f"/scheduled-posts/{NO_POST}/approve")
        assert (answer.status_code, "human reviewer" in answer.json()["message"]) == (403, True)


def test_head_needs_the_scope_of_get(api: SignedClient) -> None:
    ApiKey.objects.update(scopes=["draft"])
    assert api.call("HEAD", "/channels").status_code == 403
    for method in ("OPTIONS", "PUT", "TRACE", "PURGE"):
        assert api.call(method, "/channels").status_code == 405, method
    assert api.get("/nothing").status_code == 404
