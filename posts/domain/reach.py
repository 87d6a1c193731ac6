"""Which channels an actor reaches: a key may be limited to some of its organization's; people and workers reach all."""

from uuid import UUID

from django.db.models import QuerySet

from accounts.models import ApiKey
from posts.models import Channel


def reached(organization_id: UUID, key: ApiKey | None) -> QuerySet[Channel]:
    """Return the organization's channels, those alone that the key reaches when it is one that acts."""
    rows = Channel.objects.filter(organization=organization_id)
    return rows if key is None or key.channels is None else rows.filter(wire_id__in=key.channels)


def reached_by(key: ApiKey) -> QuerySet[Channel]:
    """Return the channels of the key's organization that the key reaches."""
    return reached(key.organization_id, key)
