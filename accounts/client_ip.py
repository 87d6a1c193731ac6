"""The client's address, as far as it can be trusted."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_ip(request: HttpRequest) -> str:
    """Return the client's address for counting: IPv4 whole, IPv6 by its /64, otherwise `unknown`.

    With DYNAMO_BEHIND_PROXY it is the last entry of X-Forwarded-For, which the proxy wrote; the client can invent the
    entries before it. Otherwise it is the address of the connection.
    """
    text = str(request.META.get("REMOTE_ADDR") or "")
    if settings.BEHIND_PROXY:
        text = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip() or text
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return "unknown"  # a Unix socket, or a proxy that writes no address
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return str(ipaddress.ip_network((address, 64), strict=False))
        address = address.ipv4_mapped
    return str(address)


def is_this_machine(request: HttpRequest) -> bool:
    """Whether the request came over loopback and not through a proxy."""
    forwarded = any(name in request.headers for name in ("forwarded", "via", "x-forwarded-for", "x-real-ip"))
    return request.META.get("REMOTE_ADDR") in {"127.0.0.1", "::1"} and not forwarded
