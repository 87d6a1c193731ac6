"""The middleware that only pages need: sessions, people who are signed in, messages and proofs.

A request of the API is signed and has none of that. It passes these by, so that no cookie is looked at below /v1: a
session counts for nothing there, and costs nothing.
"""

from collections.abc import Callable
from typing import Any

from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.admin import proving
from accounts.api.middleware import is_api


def _for_pages(middleware: Any) -> Any:
    class ForPages(middleware):  # type: ignore[misc]  # made of several kinds
        get_response: Callable[[HttpRequest], HttpResponseBase]

        def __call__(self, request: HttpRequest) -> Any:
            return self.get_response(request) if is_api(request) else super().__call__(request)

    ForPages.__name__ = ForPages.__qualname__ = middleware.__name__
    return ForPages


SessionMiddleware = _for_pages(sessions.SessionMiddleware)
AuthenticationMiddleware = _for_pages(auth.AuthenticationMiddleware)
MessageMiddleware = _for_pages(messages.MessageMiddleware)
ProofMiddleware = _for_pages(proving.ProofMiddleware)
