"""Whom and what a request names: channels that the key reaches, and what is live on them."""

from django.db.models import QuerySet
from django.http import Http404
from rest_framework.request import Request

from accounts.api.authentication import key_of
from accounts.errors import Invalid
from posts.domain.published import live
from posts.domain.reach import reached_by
from posts.models import Channel, PublishedPost


def channel_of(request: Request, medium_id: str) -> Channel:
    """Return the channel, connected or not: what went live on it stays readable. Raises Invalid."""
    for channel in _named(request, medium_id).select_related("organization"):
        return channel
    raise _unknown()


def channel_pk(request: Request, medium_id: str) -> int:
    """Return the number of that channel alone, which is all that a list needs."""
    for number in _named(request, medium_id).values_list("pk", flat=True):
        return number
    raise _unknown()


def post_of(request: Request, post_id: str, medium_id: str) -> PublishedPost:
    """Return the post that is live on that channel, its channel loaded. Raises Invalid for the channel, and Http404."""
    channel = channel_of(request, medium_id)
    # PostgreSQL takes no NUL in a text, and no platform gives an id that has one.
    rows = live(channel.organization, channel=channel)
    found = None if "\x00" in post_id else rows.filter(platform_id=post_id).first()
    if found is None:
        raise Http404
    return found


def _named(request: Request, medium_id: str) -> QuerySet[Channel]:
    return reached_by(key_of(request)).filter(wire_id=medium_id)


def _unknown() -> Invalid:
    return Invalid(
        "Unknown mediumId", [{"path": ["mediumId"], "message": "Unknown mediumId", "code": "channel.unknown"}]
    )
