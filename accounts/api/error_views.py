"""Responses to requests that reach no view. Below /v1 they are JSON and do not disclose which paths exist."""

from collections.abc import Callable
from typing import Any, NoReturn

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.views import defaults
from rest_framework.views import APIView

from accounts.api.middleware import REQUEST_ID, is_api


class UnknownPath(APIView):
    """403 without a signature, 404 with one, for every method."""

    schema = None

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> NoReturn:  # noqa: ARG002  DRF's signature
        raise Http404


def _handler(status: int, message: str, html_view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    def handler(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if is_api(request):
            return JsonResponse({"message": message}, status=status)
        return html_view(request, *args, **kwargs)

    return handler


def _server_error(request: HttpRequest) -> HttpResponse:
    """Return the error page with the request id, under which the log has the traceback."""
    return HttpResponse(render_to_string("500.html", {"name": request.META.get(REQUEST_ID, "")}), status=500)


# The root URLconf names these handlers; Django calls them for errors outside of views, such as a bad Host header.
bad_request = _handler(400, "Bad request", defaults.bad_request)
permission_denied = _handler(403, "Forbidden", defaults.permission_denied)
page_not_found = _handler(404, "Not found", defaults.page_not_found)
server_error = _handler(500, "Internal server error", _server_error)
