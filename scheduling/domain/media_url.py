"""Validates media URLs without a DNS lookup.

Meta fetches media by HTTP from the public internet, without a login (graph-api, section 3). What a name resolves to is
checked when the bytes are fetched; this check reports at once what can never work.
"""

import ipaddress
import re
import socket
import unicodedata
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from posts.graph.safe_http import Address, is_public_address

# For use inside networks, or never resolving: RFC 6761, 6762, 7686, 8375 and 9476, ICANN's .internal, and custom.
PRIVATE_SUFFIXES = (
    ".local", ".internal", ".localdomain", ".home.arpa", ".lan", ".intranet", ".test", ".invalid", ".onion", ".alt",
)  # fmt: skip
LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)\Z")
IMAGES = ("jpg", "jpeg", "png", "gif", "webp", "bmp", "tif", "tiff", "heic")
PAGES = ("html", "htm", "xhtml")
VIDEOS = ("mp4", "mov", "m4v", "webm", "avi", "mkv")


def validate_media_url(media: str) -> tuple[str, str] | None:
    """Return (code, end of a sentence that states the problem) for a URL that platforms cannot fetch, else None."""
    try:
        parts = urlsplit(media)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "media.url", "is not a valid URL"
    if parts.scheme not in {"http", "https"} or not host:
        return "media.url", "must be an absolute http or https URL"
    if any(character.isspace() or character == "\\" or not character.isprintable() for character in media):
        return "media.url", "contains white space or control characters"
    if parts.username is not None or parts.password is not None:
        return "media.url", "must not carry a user name or a password"
    return _host_problem(host)


def _host_problem(host: str) -> tuple[str, str] | None:
    name = unicodedata.normalize("NFKC", host).replace("\u3002", ".").casefold().removesuffix(".")
    private = ("media.private", "must be on a public host")
    if name == "localhost" or name.endswith(".localhost"):
        return None if settings.MEDIA_ALLOW_LOOPBACK else private
    if (address := _address(name)) is not None:
        return None if is_public_address(address) else private
    try:
        labels = name.encode("idna").decode("ascii").split(".")
    except UnicodeError:
        return "media.url", "has a host name that is not valid"
    if not all(LABEL.match(label) for label in labels) or labels[-1].isdigit() or labels[-1].startswith("0x"):
        return "media.url", "has a host name that is not valid"
    if len(labels) == 1 or name.endswith(PRIVATE_SUFFIXES):
        return private
    return None


def _address(name: str) -> Address | None:
    """Return the IP address of `name` in any notation that HTTP clients accept, such as `127.1` and `0x7f.1`."""
    try:
        return ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        try:
            return ipaddress.IPv4Address(socket.inet_aton(name))
        except (OSError, ValueError):
            return None


def is_page_by_extension(media: str) -> bool:
    """Whether the path of the URL ends like a web page."""
    return _extension(media) in PAGES


def kind_by_extension(media: str) -> str | None:
    """Return IMAGE or VIDEO when the path of the URL ends like one, else None."""
    extension = _extension(media)
    if extension in IMAGES:
        return "IMAGE"
    return "VIDEO" if extension in VIDEOS else None


def _extension(media: str) -> str:
    try:
        parts: SplitResult = urlsplit(media)
    except ValueError:
        return ""
    return parts.path.rpartition(".")[2].lower()
