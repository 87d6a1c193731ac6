"""Which addresses are public: the one rule for what a client names and for what is connected to."""

import ipaddress

from django.conf import settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
UNICAST = ipaddress.ip_network("2000::/3")  # all that is routed; beside it lie old and local ways to embed an IPv4
# Special, and not known as such to every Python that we run on: protocol assignments with Teredo among them, 6to4 and
# its relays, documentation (RFC 6890, 7526, 9637). Nobody serves media there, and what embeds an IPv4 leads anywhere.
RESERVED = [
    ipaddress.ip_network(one) for one in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2002::/16", "3fff::/20")
]
TRANSLATED = ipaddress.ip_network("64:ff9b::/96")  # NAT64, where a network has nothing else: holds an IPv4 address


def admitted(address: Address) -> bool:
    """Whether a connection may go there: to public addresses, and what they embed must be public as well."""
    if settings.MEDIA_ALLOW_LOOPBACK and address.is_loopback:
        return True
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return admitted(address.ipv4_mapped)
        if address in TRANSLATED:
            return admitted(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
        if address not in UNICAST:
            return False
    return address.is_global and not address.is_multicast and not any(address in network for network in RESERVED)
