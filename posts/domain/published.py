"""What is live: recording what our worker published, and reading it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from accounts import statements
from accounts.models import Organization
from posts.models import Channel, PublishedPost


def record_published(  # noqa: PLR0913  a keyword per column
    *,
    channel: Channel,
    platform_id: str,
    type: str,  # noqa: A002  the contract's word
    caption: str | None,
    media_url: str | None,
    media_type: str | None,
    permalink: str | None,
    published_at: datetime,
    superpower: dict[str, Any] | None,
    scheduled_post_id: UUID | None,
) -> None:
    """Note a post that went live from here, in one query; saying it twice changes nothing.

    A copy that was read from the platform meanwhile keeps the platform's facts; it gains its scheduled post's link.
    """
    row = PublishedPost(
        organization_id=channel.organization_id,
        channel=channel,
        platform_id=platform_id,
        type=type,
        caption=caption,
        media_url=media_url,
        media_type=media_type,
        permalink=permalink,
        published_at=published_at,
        superpower=superpower,
        scheduled_post_id=scheduled_post_id,
    )
    statements.insert(row, unique=("channel", "platform_id"), update=("superpower", "scheduled_post_id"))


def live(
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
    rows = everything_live(organization).select_related("channel")
    wanted = {"channel": channel, "type": type, "published_at__gte": since, "published_at__lt": before}
    return rows.filter(**{name: value for name, value in wanted.items() if value is not None})


def everything_live(organization: Any) -> QuerySet[PublishedPost]:
    """Return all published posts of the organization, or of the one with this id; without those that are gone."""
    return PublishedPost.objects.filter(organization=organization, deleted_at=None)
