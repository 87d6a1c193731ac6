"""The API reference at /admin/api/: Swagger UI of drf-spectacular, and the description that it shows.

/openapi.json and /llms.txt are for agents: they need no key and contain nothing of an organization.
"""

from functools import cache
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_safe
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.openapi import generate_schema

description = cache(generate_schema)
GUIDE = settings.BASE_DIR / "docs" / "agents.md"


class Reference(SpectacularSwaggerSplitView):
    """Swagger UI inside the admin's base template. With `?script`, the JavaScript that starts it."""

    schema = None  # the reference is not part of the described API
    authentication_classes = [SessionAuthentication]
    scopes = {"get": None}  # guarded by the admin's session; no API key reaches it
    url_name = "admin_api_file"
    title = "API"

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return the page, with the context of the admin's base template, or the script."""
        response: Response = super().get(request, *args, **kwargs)
        if "script" not in request.GET:
            response.data |= {**admin.site.each_context(request), "title": self.title}
        return response


@require_safe
def file(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  Django's signature
    """Return the description, which equals docs/openapi.json."""
    response = JsonResponse(description(), json_dumps_params={"indent": 1, "ensure_ascii": False})
    response.headers["Content-Disposition"] = 'attachment; filename="openapi.json"'
    return response


@require_safe
def public_description(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  Django's signature
    """Return the description, for clients without a key."""
    return JsonResponse(description(), json_dumps_params={"ensure_ascii": False})


@cache
def _guide() -> str:
    return str(GUIDE.read_text(encoding="utf-8"))


@require_safe
def llms_txt(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  Django's signature
    """Return docs/agents.md: how an agent uses the API."""
    return HttpResponse(_guide(), content_type="text/plain; charset=utf-8")


# The admin's guard admits active staff members and redirects everyone else to the login page.
guard = admin.site.admin_view

urlpatterns: list[URLPattern] = [
    path("", guard(require_safe(Reference.as_view())), name="admin_api"),
    path("openapi.json", guard(file), name="admin_api_file"),
]

public_urlpatterns: list[URLPattern] = [
    path("openapi.json", public_description, name="openapi"),
    path("llms.txt", llms_txt, name="llms"),
]
