"""What is live: recording what our worker published, and reading it."""

from datetime import datetime
from typing import Any, TypedDict, Unpack
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import Organization
from posts.models import Channel, PublishedPost


class Facts(TypedDict):
    """What is known of a post at the moment at which it goes live from here."""

    channel: Channel
    platform_id: str
    type: str
    caption: str | None
    media_url: str | None
    media_type: str | None
    permalink: str | None
    published_at: datetime
    superpower: dict[str, Any] | None
    scheduled_post_id: UUID | None


def record_published(**facts: Unpack[Facts]) -> None:
    """Record a post that was published from here, in one query; a second call changes nothing.

    A copy that was imported from the platform before keeps the platform's facts and gains the scheduled post's link.
    """
    PublishedPost.objects.bulk_create(
        [PublishedPost(organization_id=facts["channel"].organization_id, **facts)],
        update_conflicts=True,
        unique_fields=["channel", "platform_id"],
        update_fields=["superpower", "scheduled_post_id"],
    )


def published_posts(
    organization: Organization,
    *,
    channel: Channel | int | None = None,
    type: str | None = None,  # noqa: A002
    since: datetime | None = None,
    before: datetime | None = None,
) -> QuerySet[PublishedPost]:
    """Return the organization's published posts, of one channel or of all, published in [since, before).

    What is proven to be gone from the platform is left out.
    """
    rows = all_published_posts(organization).select_related("channel")
    wanted = {"channel": channel, "type": type, "published_at__gte": since, "published_at__lt": before}
    return rows.filter(**{name: value for name, value in wanted.items() if value is not None})


def all_published_posts(organization: Any) -> QuerySet[PublishedPost]:
    """Return all published posts of the organization, or of the one with this id; without those that are gone."""
    return PublishedPost.objects.filter(organization=organization, deleted_at=None)
