"""Which channels an actor reaches: a key may be limited to some of its organization's; people and workers reach all."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import ApiKey
from posts.models import Channel, ChannelState

MANY = 64  # channels by name


def visible_channels(organization_id: UUID, key: ApiKey | None) -> QuerySet[Channel]:
    """Return the organization's channels, those alone that the key reaches when it is one that acts."""
    rows = Channel.objects.filter(organization=organization_id)
    return rows if key is None or key.channels is None else rows.filter(public_id__in=key.channels)


def channels_of_key(key: ApiKey) -> QuerySet[Channel]:
    """Return the channels of the key's organization that the key reaches."""
    return visible_channels(key.organization_id, key)


def connected_channels(organization_id: UUID, key: ApiKey | None, named: Collection[str]) -> list[Channel]:
    """Return those of the named channels that are connected and the actor reaches, and perhaps others like them."""
    rows = visible_channels(organization_id, key).exclude(state=ChannelState.DISCONNECTED)
    # A client may name tens of thousands, more than a statement can carry; the organization has few.
    return list(rows.filter(public_id__in=named) if len(named) <= MANY else rows)
