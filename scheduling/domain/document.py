"""The document: a scheduled post as clients see it, the same everywhere."""

from typing import Any
from uuid import UUID

from accounts.api.wire import instant
from scheduling.lifecycle import Status
from scheduling.models import Delivery, DeliveryState, ScheduledPost


def document(post: ScheduledPost) -> dict[str, Any]:
    """Return the wire object of a post that was loaded by `for_wire`. Runs no query."""
    return {
        "id": str(post.pk),
        "orgId": str(post.organization_id),
        "type": post.type,
        "status": str(post.status),
        "media": post.media,
        "mediaType": post.media_type,
        "scheduledFor": instant(post.scheduled_for),
        "taskId": str(post.task_id) if post.task_id else None,
        "mediumsData": {one.channel.wire_id: _medium(post, one) for one in post.deliveries.all()},
        "notes": post.notes,
        "brief": post.brief,
        "createdBy": _creator(post),
        "createdAt": instant(post.created_at),
        "updatedAt": instant(post.updated_at),
        "version": post.version,
    }


def as_it_stands(organization_id: UUID, post_id: UUID) -> dict[str, Any] | None:
    """Return the wire object of the organization's post as it stands in the database now, None when it is gone."""
    post = ScheduledPost.objects.for_wire().filter(organization=organization_id, pk=post_id).first()
    return document(post) if post else None


def _medium(post: ScheduledPost, delivery: Delivery) -> dict[str, Any]:
    return {
        "mediumType": delivery.channel.type,
        "caption": delivery.caption,
        "superpower": delivery.superpower,
        "outcome": _outcome(post, delivery),
    }


def _outcome(post: ScheduledPost, delivery: Delivery) -> dict[str, Any] | None:
    """Return what became of the delivery; null until publishing begins."""
    if not delivery.state and post.status != Status.PUBLISHING:
        return None
    error = {"code": delivery.error_code, "message": delivery.error_message} if delivery.error_code else None
    return {
        "state": delivery.state or DeliveryState.PENDING.value,
        "postId": delivery.live_id or None,
        "permalink": delivery.permalink or None,
        "publishedAt": instant(delivery.published_at),
        "error": error,
    }


def _creator(post: ScheduledPost) -> dict[str, str] | None:
    if post.created_by_key is not None:
        return {"kind": "API_KEY", "id": post.created_by_key.pk, "name": post.created_by_key.name}
    if (user := post.created_by_user) is not None:
        return {"kind": "USER", "id": str(user.pk), "name": user.get_full_name() or user.get_username()}
    return None
