"""Published posts: recording those of our worker, and querying all of them."""

from datetime import datetime
from typing import Any, TypedDict, Unpack
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import Organization
from posts.models import Channel, PublishedPost


class Facts(TypedDict):
    """The columns of a post that are known when the worker has published it."""

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
    """Insert a post that our worker published, in one query; a second call changes nothing.

    If the post was imported before, only `superpower` and `scheduled_post_id` are written.
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
    """Return the published posts with these values, published in [since, before), with their channels."""
    posts = all_published_posts(organization).select_related("channel")
    filters = {"channel": channel, "type": type, "published_at__gte": since, "published_at__lt": before}
    return posts.filter(**{name: value for name, value in filters.items() if value is not None})


def all_published_posts(organization: Any) -> QuerySet[PublishedPost]:
    """Return the published posts of the organization (object or id), without those deleted on the platform."""
    return PublishedPost.objects.filter(organization=organization, deleted_at=None)
