"""Who may try to sign in again: django-axes counts, by person and address. Its settings are in dynamo/settings.py."""

import ipaddress
from typing import Any

from axes.backends import AxesStandaloneBackend
from django.conf import settings
from django.http import HttpRequest


class Throttle(AxesStandaloneBackend):  # type: ignore[misc]  # axes carries no types
    """Refuses who has failed too often. Without a request nobody signs in over the network: nothing to throttle."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:
        """Raise PermissionDenied for who is locked out; never says who somebody is."""
        if request is not None:
            super().authenticate(request, **credentials)


def address(request: HttpRequest) -> str:
    """Return where a request comes from; of IPv6 the network of one customer, who has as many addresses as they like.

    Behind a proxy it is the last address of `X-Forwarded-For`, the one that the proxy itself has put there: what
    stands before it is the client's own invention.
    """
    given = str(request.META.get("REMOTE_ADDR", ""))
    if settings.BEHIND_PROXY:
        given = str(request.META.get("HTTP_X_FORWARDED_FOR", "")).rpartition(",")[2].strip() or given
    try:
        found = ipaddress.ip_address(given)
    except ValueError:
        return "0.0.0.0"  # noqa: S104  an address that nobody has, shared by all whose own is unknown
    if found.version == 4:
        return str(found)
    return str(found.ipv4_mapped or ipaddress.ip_network(f"{found}/64", strict=False).network_address)


def name(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """Return the name that somebody tries, in one form, cut to what axes stores."""
    given = (credentials or {}).get("username") or request.POST.get("username") or ""
    return str(given).replace("\x00", "")[:150]
