"""GET /organizations, and responses to requests that reach no view: JSON below /v1, which discloses no paths."""

import sys
from collections.abc import Callable
from typing import Any, NoReturn

from django.core.exceptions import DisallowedHost
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.views import defaults
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.authentication import get_api_key
from accounts.api.base import ApiView
from accounts.api.exceptions import DATABASE_RETRY_AFTER, DATABASE_UNAVAILABLE, is_database_unavailable
from accounts.api.middleware import REQUEST_ID, is_api
from accounts.api.openapi import errors, limit_too_large_example
from accounts.api.pagination import LIMIT
from accounts.api.serializers import StrictCharField, StrictSerializer
from accounts.models import Organization, Scope

SERVER_ERROR = "Internal server error", "server.error"
WRONG_HOST = (
    "This server does not answer to the host name of this address. "
    "Use its own address; an operator adds others to DYNAMO_ALLOWED_HOSTS.\n"
)


class OrganizationsQuery(StrictSerializer):
    """`q` is part of the name, in any case."""

    q = StrictCharField(required=False, allow_blank=True, help_text="Part of the name, in any case.")
    limit = LIMIT


class OrganizationSerializer(serializers.Serializer[Organization]):
    """An organization that the key belongs to."""

    id = serializers.UUIDField(help_text="Its id.")
    name = serializers.CharField(help_text="Its name.")
    role = serializers.ChoiceField(["ADMIN"], help_text="The role of the key.")


class Organizations(ApiView):
    """The organizations that the key belongs to."""

    scopes = {"get": Scope.READ}
    queries = {"get": OrganizationsQuery}

    @extend_schema(
        summary="List organizations",
        description="The one organization that the key belongs to; none when `q` is not part of its name.",
        parameters=[OrganizationsQuery],
        responses={200: OrganizationSerializer(many=True), **errors(422)},
        examples=[
            OpenApiExample(
                "The key's own", {"id": "c1a7b0de-35c4-4a55-8f2e-6f1f8d1b2a90", "name": "Casa do Sol", "role": "ADMIN"}
            ),
            limit_too_large_example(),
        ],
    )
    def get(self, request: Request) -> Response:
        query = self.parameters.get("q", "").strip().casefold()
        organization = get_api_key(request).organization
        if query not in organization.name.casefold():
            return Response([])
        return Response([{"id": str(organization.pk), "name": organization.name, "role": "ADMIN"}])


class WorkspaceSerializer(serializers.Serializer[Any]):
    """A workspace of the reference product. Dynamo has none."""

    id = serializers.CharField(help_text="Its id.")
    name = serializers.CharField(help_text="Its name.")
    type = serializers.CharField(help_text="Its type.")
    vipIndicator = serializers.BooleanField(help_text="Whether it is a VIP workspace.")  # noqa: N815  the contract's
    vipIndicatorInProcess = serializers.BooleanField(help_text="Whether it is becoming one.")  # noqa: N815


class WorkspacesQuery(StrictSerializer):
    limit = LIMIT


class Workspaces(ApiView):
    """The workspaces that the key belongs to: none, because Dynamo has no workspaces."""

    scopes = {"get": Scope.READ}
    queries = {"get": WorkspacesQuery}

    @extend_schema(
        summary="List workspaces",
        description="Always empty: Dynamo has no workspaces. Clients of the reference product ask for them.",
        parameters=[WorkspacesQuery],
        responses={200: WorkspaceSerializer(many=True), **errors(422)},
        examples=[
            OpenApiExample(
                "Of the reference product; never returned here",
                {"id": "1", "name": "A", "type": "TEAM", "vipIndicator": False, "vipIndicatorInProcess": False},
                response_only=True,
            ),
            limit_too_large_example(),
        ],
    )
    def get(self, request: Request) -> Response:  # noqa: ARG002  the same for every key
        return Response([])


class UnknownPath(ApiView):
    """403 without a signature, 404 with one, for every method."""

    schema = None

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> NoReturn:  # noqa: ARG002  DRF's signature
        raise Http404


def _handler(
    status: int, message: str, code: str, html_view: Callable[..., HttpResponse]
) -> Callable[..., HttpResponse]:
    def handler(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if is_api(request):
            return JsonResponse({"message": message, "code": code}, status=status)
        return html_view(request, *args, **kwargs)

    return handler


def _bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, DisallowedHost):
        return HttpResponse(WRONG_HOST, status=400, content_type="text/plain; charset=utf-8")
    return defaults.bad_request(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Return the error with the request id, under which the log has the traceback; 503 without a database."""
    is_down = is_database_unavailable(sys.exc_info()[1])
    status, (message, code) = (503, DATABASE_UNAVAILABLE) if is_down else (500, SERVER_ERROR)
    if is_api(request):
        response: HttpResponse = JsonResponse({"message": message, "code": code}, status=status)
    else:
        context = {"name": request.META.get(REQUEST_ID, ""), "database_is_down": is_down}
        response = HttpResponse(render_to_string("500.html", context), status=status)
    if is_down:
        response.headers["Retry-After"] = f"{DATABASE_RETRY_AFTER:.0f}"
    return response


# The root URLconf names these handlers; Django calls them for errors outside of views, such as a bad Host header.
bad_request = _handler(400, "Bad request", "request.bad", _bad_request)
permission_denied = _handler(403, "Forbidden", "forbidden", defaults.permission_denied)
page_not_found = _handler(404, "Not found", "not_found", defaults.page_not_found)
