"""A URLconf of views that do what the suite asks, to see the API's machinery from outside."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.urls import include, path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import errors
from accounts.api.envelopes import UpstreamBusy, UpstreamFailed
from accounts.api.shape import Choice, Flag, Instant, ListOf, MapOf, Number, Shape, Text, query, read
from accounts.models import Scope
from dynamo import urls


class Rule(Shape):
    keep_unknown = True

    name = Text()
    values = ListOf(child=Text(), min_length=1, required=False)


class Line(Shape):
    caption = Text(allow_blank=True)
    rule = Rule(required=False, allow_null=True)


class Everything(Shape):
    status = Choice(["DRAFT", "WAITING_FOR_APPROVAL"], default="DRAFT")
    notes = Text(required=False, allow_null=True)
    media = Text(required=False, max_length=5)
    when = Instant(required=False)
    share = Number(required=False, min_value=0, max_value=1)
    count = Number(required=False, integer=True)
    active = Flag(required=False)
    lines = MapOf(child=Line())


class Asked(Shape):
    limit = Number(min_value=1, max_value=500, integer=True, default=100)
    active = Flag(required=False)
    since = Instant(required=False)
    q = Text(required=False)


class Echo(APIView):
    scopes = {"get": Scope.READ, "post": Scope.DRAFT, "patch": Scope.DRAFT}

    def get(self, request: Request) -> Response:
        return Response(plain(query(request, Asked)))

    def post(self, request: Request) -> Response:
        return Response(plain(read(request, Everything)))

    def patch(self, request: Request) -> Response:
        return Response(plain(read(request, Everything, partial=True)))


def plain(value: Any) -> Any:
    """Return the fields with instants in a form that tells them from text."""
    return {key: ["instant", str(item)] if key in {"when", "since"} else item for key, item in value.items()}


RAISED: dict[str, Exception] = {
    "invalid": errors.Invalid("Not publishable", [{"path": ["media"], "message": "x", "code": "y"}]),
    "incomplete": errors.Incomplete("A group lacks a reply"),
    "conflict": errors.Conflict("Hashtag already in use"),
    "stale": errors.Stale("Version 3 is current"),
    "forbidden": errors.Forbidden("A human decides"),
    "http404": Http404("a detail that is nobody's business"),
    "denied": PermissionDenied("a detail that is nobody's business"),
    "upstream": UpstreamFailed("The platform failed"),
    "busy": UpstreamBusy("The platform is throttling us", retry_after=17.2),
    "bug": RuntimeError("a detail that is nobody's business"),
}


class Raise(APIView):
    scopes = {"get": None}

    def get(self, _request: Request, name: str) -> Response:
        raise RAISED[name]


urlpatterns = [path("v1/echo", Echo.as_view()), path("v1/raise/<name>", Raise.as_view()), path("", include(urls))]
handler400, handler403 = urls.handler400, urls.handler403
handler404, handler500 = urls.handler404, urls.handler500
