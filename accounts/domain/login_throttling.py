"""Login lockout by username and address, counted by django-axes. Its settings are in dynamo/settings.py."""

from typing import Any

from axes.backends import AxesStandaloneBackend
from django.http import HttpRequest

from accounts.client_ip import client_ip


class LoginThrottleBackend(AxesStandaloneBackend):  # type: ignore[misc]  # axes carries no types
    """Raises PermissionDenied during a lockout. Without a request (`authenticate` in a shell) it does nothing."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:
        if request is not None:
            super().authenticate(request, **credentials)


def axes_client_ip(request: HttpRequest) -> str:
    """Return the client's address in a form that axes can store: the first address of an IPv6 network."""
    address = client_ip(request).partition("/")[0]
    return "0.0.0.0" if address == "unknown" else address  # noqa: S104  shared by all clients of unknown address


def axes_username(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """Return the submitted username without NUL, cut to the 150 characters that axes stores."""
    username = (credentials or {}).get("username") or request.POST.get("username") or ""
    return str(username).replace("\x00", "")[:150]
