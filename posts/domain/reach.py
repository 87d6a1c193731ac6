"""Which channels an actor reaches: a key may be limited to some of its organization's; people and workers reach all."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from accounts.compiled import Compiled, padded
from accounts.models import ApiKey
from posts.models import Channel, ChannelState

MANY = 64  # channels by name
CONNECTED: Compiled[Channel] = Compiled(
    lambda organization, *named: reached_of(organization, named or None).exclude(state=ChannelState.DISCONNECTED)
)


def reached(organization_id: UUID, key: ApiKey | None) -> QuerySet[Channel]:
    """Return the organization's channels, those alone that the key reaches when it is one that acts."""
    return reached_of(organization_id, None if key is None else key.channels)


def reached_of(organization_id: Any, only: Collection[Any] | None) -> QuerySet[Channel]:
    """Return the organization's channels, those alone that `only` names unless it is None."""
    rows = Channel.objects.filter(organization=organization_id)
    return rows if only is None else rows.filter(wire_id__in=only)


def reached_by(key: ApiKey) -> QuerySet[Channel]:
    """Return the channels of the key's organization that the key reaches."""
    return reached(key.organization_id, key)


def connected(organization_id: UUID, key: ApiKey | None, named: Collection[str]) -> list[Channel]:
    """Return those of the named channels that are connected and the actor reaches, and perhaps others like them."""
    if key is not None and key.channels is not None:
        return list(reached(organization_id, key).exclude(state=ChannelState.DISCONNECTED))
    # All of them, few as they are, when many are named: what a client names may run to tens of thousands.
    return CONNECTED(organization_id, *(padded(named) if len(named) <= MANY else ()))
