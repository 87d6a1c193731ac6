"""Which channels an actor may use: an API key may be limited to some of its organization's channels."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import ApiKey
from posts.models import Channel, ChannelState

MAX_PARAMETERS = 64


def visible_channels(organization_id: UUID, key: ApiKey | None) -> QuerySet[Channel]:
    """Return the organization's channels, or with a key those that the key may use."""
    channels = Channel.objects.filter(organization=organization_id)
    return channels if key is None or key.channels is None else channels.filter(public_id__in=key.channels)


def channels_of_key(key: ApiKey) -> QuerySet[Channel]:
    return visible_channels(key.organization_id, key)


def connected_channels(organization_id: UUID, key: ApiKey | None, named: Collection[str]) -> list[Channel]:
    """Return the visible channels with the public ids `named` that are not disconnected, possibly with others."""
    channels = visible_channels(organization_id, key).exclude(state=ChannelState.DISCONNECTED)
    # A client may name more channels than a statement can have parameters; an organization has few.
    return list(channels.filter(public_id__in=named) if len(named) <= MAX_PARAMETERS else channels)
