"""Whether Instagram can fetch media from us: it is not uploaded there, but fetched under `DYNAMO_PUBLIC_URL`."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from django.conf import settings

from posts.domain import media_store
from posts.models import Channel, ChannelType
from scheduling.domain.media_url import validate_media_url

PROBLEM = (
    "Instagram cannot fetch media from this installation: {} An administrator of the installation has to set "
    "DYNAMO_PUBLIC_URL to its public https address."
)


def find_problem(channels: Iterable[Channel]) -> str:
    """Return why the media cannot be fetched by Instagram, a sentence; empty without an Instagram account or problem.

    Judged from the configuration alone: whether a firewall lets the platform in is not known here.
    """
    if not any(channel.type == ChannelType.INSTAGRAM_ACCOUNT for channel in channels):
        return ""
    return check_public_url()


def check_public_url() -> str:
    """Return the problem of DYNAMO_PUBLIC_URL, empty without one, and with a storage that serves its files itself."""
    if not media_store.is_served_here():
        return ""
    url = settings.PUBLIC_URL
    if problem := validate_media_url(url):
        return PROBLEM.format(f"the address {url} {problem[1]}.")
    if urlsplit(url).scheme != "https" and not settings.MEDIA_ALLOW_LOOPBACK:
        return PROBLEM.format(f"the address {url} is not https.")
    return ""
