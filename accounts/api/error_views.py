"""What answers when no view does. Below /v1 everything is JSON, and nothing tells a stranger what exists."""

from collections.abc import Callable
from typing import Any, NoReturn

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.views import defaults
from rest_framework.views import APIView

from accounts.api.middleware import NAME, is_api


class UnknownPath(APIView):
    """403 without a signature, 404 with one, for every method."""

    schema = None

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> NoReturn:  # noqa: ARG002  DRF's signature
        """Answer 404: there is nothing here, so no method is the right one."""
        raise Http404


def _handler(status: int, message: str, elsewhere: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    def handler(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if is_api(request):
            return JsonResponse({"message": message}, status=status)
        return elsewhere(request, *args, **kwargs)

    return handler


def _broken(request: HttpRequest) -> HttpResponse:
    """Say that it is our mistake, and under which name the log has it."""
    page = render_to_string("500.html", {"name": request.META.get(NAME, "")})
    return HttpResponse(page, status=500)


# Django calls these for errors outside of views, such as a bad Host header, and names them in the root URLconf.
bad_request = _handler(400, "Bad request", defaults.bad_request)
permission_denied = _handler(403, "Forbidden", defaults.permission_denied)
page_not_found = _handler(404, "Not found", defaults.page_not_found)
server_error = _handler(500, "Internal server error", _broken)
