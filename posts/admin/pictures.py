"""Whether and how a page may show media that lives elsewhere."""

from urllib.parse import urlsplit

from django.conf import settings

_LOOPBACK = {"127.0.0.1", "localhost"}


def shown(url: str | None) -> bool:
    """Whether the Content-Security-Policy lets a page show it: https, or loopback while that is admitted.

    The same rule as `img-src` in the settings; showing anything else would only leave a hole in the page.
    """
    try:
        parts = urlsplit(url or "")
        host = parts.hostname
    except ValueError:
        return False
    return bool(host) and (
        parts.scheme == "https" or (parts.scheme == "http" and settings.SANDBOXED and host in _LOOPBACK)
    )
