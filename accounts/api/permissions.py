"""Scopes of API keys. Each view declares in `scopes` the scope that each of its methods needs.

None is for a method that neither reads nor changes anything. A test checks that no declaration is missing.
"""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.models import ApiKey, Scope

METHODS = ("get", "post", "put", "patch", "delete")


def required_scope(view: Any, method: str) -> Scope | None:
    """Return the scope that a method of a view, or of its class, needs. Raises ImproperlyConfigured."""
    declared: Mapping[str, Scope | None] = getattr(view, "scopes", {})
    if method not in declared:
        kind = view if isinstance(view, type) else type(view)
        raise ImproperlyConfigured(f"{kind.__name__} does not declare the scope that {method} needs")
    return declared[method]


class HasScope(BasePermission):
    """Allows signed requests whose key has the scope that the view declares."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Sets `message` on refusal. A method that the view lacks is allowed, because DRF returns 405 for it."""
        if not isinstance(request.auth, ApiKey):
            return False
        method = "get" if request.method == "HEAD" else str(request.method).lower()
        if method not in METHODS or not hasattr(view, method):
            return True
        scope = required_scope(view, method)
        if scope is None or scope.value in request.auth.scopes:
            return True
        self.message, self.code = f"This key lacks the scope {scope.value}", "scope.missing"
        return False
