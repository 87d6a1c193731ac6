"""Where a request comes from, as far as that can be known."""

import ipaddress
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest

MAX_ADDRESS_LENGTH = 45  # characters of an address, an IPv4 in an IPv6 written out


def client_ip(request: HttpRequest) -> str:
    """Return the caller's address in the form in which callers are counted: IPv4 whole, IPv6 by its /64.

    Behind a proxy it is the last entry of X-Forwarded-For, the one that the proxy itself wrote; whatever stands before
    it is the caller's own invention. Without DYNAMO_BEHIND_PROXY it is the connection's address.
    """
    given = str(request.META.get("REMOTE_ADDR") or "")
    if settings.BEHIND_PROXY:
        given = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip() or given
    given = given.partition("%")[0]
    return _counted_as(given) if len(given) <= MAX_ADDRESS_LENGTH else "unknown"


@lru_cache(maxsize=4096)
def _counted_as(given: str) -> str:
    try:
        address = ipaddress.ip_address(given)
    except ValueError:
        return "unknown"  # a Unix socket, or a proxy that writes something else: all of them count as one
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return str(ipaddress.ip_network((address, 64), strict=False))
        address = address.ipv4_mapped
    return str(address)
