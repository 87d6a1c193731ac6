"""A URLconf with views for the tests of the API layer."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.urls import include, path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import exceptions
from accounts.api.exceptions import UpstreamFailed, UpstreamThrottled
from accounts.api.serializers import (
    StrictBooleanField,
    StrictCharField,
    StrictChoiceField,
    StrictDateTimeField,
    StrictDictField,
    StrictIntegerField,
    StrictListField,
    StrictNumberField,
    StrictSerializer,
    validate_body,
    validate_query,
)
from accounts.models import Scope
from dynamo import urls


class Rule(StrictSerializer):
    keep_unknown = True

    name = StrictCharField()
    values = StrictListField(child=StrictCharField(), min_length=1, required=False)


class Line(StrictSerializer):
    caption = StrictCharField(allow_blank=True)
    rule = Rule(required=False, allow_null=True)


class Everything(StrictSerializer):
    status = StrictChoiceField(["DRAFT", "WAITING_FOR_APPROVAL"], default="DRAFT")
    notes = StrictCharField(required=False, allow_null=True)
    media = StrictCharField(required=False, max_length=5)
    when = StrictDateTimeField(required=False)
    share = StrictNumberField(required=False, min_value=0, max_value=1)
    count = StrictIntegerField(required=False)
    active = StrictBooleanField(required=False)
    lines = StrictDictField(child=Line())


class Asked(StrictSerializer):
    limit = StrictIntegerField(min_value=1, max_value=500, default=100)
    active = StrictBooleanField(required=False)
    since = StrictDateTimeField(required=False)
    q = StrictCharField(required=False)


class Echo(APIView):
    scopes = {"get": Scope.READ, "post": Scope.DRAFT}

    def get(self, request: Request) -> Response:
        return Response(plain(validate_query(request, Asked)))

    def post(self, request: Request) -> Response:
        return Response(plain(validate_body(request, Everything)))


def plain(value: Any) -> Any:
    """Return the fields with datetimes marked as such."""
    return {key: ["datetime", str(item)] if key in {"when", "since"} else item for key, item in value.items()}


RAISED: dict[str, Exception] = {
    "invalid": exceptions.Invalid("Not publishable", [{"path": ["media"], "message": "x", "code": "y"}]),
    "incomplete": exceptions.Incomplete("A group lacks a reply"),
    "conflict": exceptions.Conflict("Hashtag already in use"),
    "stale": exceptions.StaleVersion("Version 3 is current"),
    "forbidden": exceptions.Forbidden("A human decides"),
    "http404": Http404("an internal detail"),
    "denied": PermissionDenied("an internal detail"),
    "upstream": UpstreamFailed("The platform failed"),
    "busy": UpstreamThrottled("The platform is throttling us", retry_after=17.2),
    "bug": RuntimeError("an internal detail"),
}


class Raise(APIView):
    scopes = {"get": None}

    def get(self, _request: Request, name: str) -> Response:
        raise RAISED[name]


urlpatterns = [path("v1/echo", Echo.as_view()), path("v1/raise/<name>", Raise.as_view()), path("", include(urls))]
handler400, handler403 = urls.handler400, urls.handler403
handler404, handler500 = urls.handler404, urls.handler500
