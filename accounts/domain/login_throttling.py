"""Who may try to sign in again: django-axes counts, by person and address. Its settings are in dynamo/settings.py."""

from typing import Any

from axes.backends import AxesStandaloneBackend
from django.http import HttpRequest

from accounts.client_ip import client_ip


class LoginThrottleBackend(AxesStandaloneBackend):  # type: ignore[misc]  # axes carries no types
    """Refuses who has failed too often. Without a request nobody signs in over the network: nothing to throttle."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:
        """Raise PermissionDenied for who is locked out; never says who somebody is."""
        if request is not None:
            super().authenticate(request, **credentials)


def axes_client_ip(request: HttpRequest) -> str:
    """Return where a request comes from, in the form that axes can store: of an IPv6 network its first address."""
    found = client_ip(request).partition("/")[0]
    return "0.0.0.0" if found == "unknown" else found  # noqa: S104  shared by all whose own is unknown


def axes_username(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """Return the name that somebody tries, in one form, cut to what axes stores."""
    given = (credentials or {}).get("username") or request.POST.get("username") or ""
    return str(given).replace("\x00", "")[:150]
