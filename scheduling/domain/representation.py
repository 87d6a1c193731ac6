"""The JSON representation of a scheduled post, the same in the API and in webhooks."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from accounts.datetimes import format_datetime
from accounts.models import ApiKey, User
from scheduling.domain.preflight.base import Check, Level
from scheduling.domain.preflight.checks import run_checks
from scheduling.lifecycle import Status
from scheduling.models import Delivery, DeliveryState, MediaItem, ScheduledPost, ScheduledPostQuerySet

USERS, KEYS = ("created_by_user", "last_edited_by_user"), ("created_by_key", "last_edited_by_key")
PEOPLE = USERS + KEYS
SEVERITIES: dict[Level, str] = {"stop": "BLOCKER", "warn": "WARNING", "ok": "PASSED", "unknown": "PENDING"}


def only_serialized_fields(posts: ScheduledPostQuerySet) -> ScheduledPostQuerySet:
    """Load only the columns that the representation needs."""
    return posts.select_related(*PEOPLE).only(
        "id", "organization_id", "type", "status", "media", "media_type", "media_count", "alt_text", "is_ai_generated",
        "scheduled_for", "task_id", "notes", "last_review", "external_id", "metadata", "brief",
        "created_at", "updated_at", "version", "revision", *(f"{name}__name" for name in KEYS),
        *(f"{name}__{part}" for name in USERS for part in ("first_name", "last_name", "username")),
    )  # fmt: skip


def serialize_posts(posts: Iterable[ScheduledPost]) -> list[dict[str, Any]]:
    """Return the JSON objects of posts that were loaded by `only_serialized_fields`.

    Runs one query, two with carousels.
    """
    by_id = {post.pk: post for post in posts}
    deliveries: dict[UUID, list[Delivery]] = {pk: [] for pk in by_id}
    rows = Delivery.objects.filter(post_id__in=list(by_id)).select_related("channel").order_by("channel__public_id")
    for delivery in rows.only(
        "post_id", "channel__public_id", "channel__type", "caption", "superpower", "state", "platform_post_id",
        "permalink", "published_at", "error_code", "error_message",
    ):  # fmt: skip
        deliveries[delivery.post_id].append(delivery)
    items = _media_items([pk for pk, post in by_id.items() if post.media_count])
    return [_serialize(post, deliveries[pk], items.get(pk)) for pk, post in by_id.items()]


def _media_items(post_ids: list[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """Return `mediaItems` by the id of the post. No query without ids."""
    items: dict[UUID, list[dict[str, Any]]] = {pk: [] for pk in post_ids}
    rows = MediaItem.objects.filter(post__in=post_ids) if post_ids else MediaItem.objects.none()
    for post_id, media, media_type, alt_text in rows.values_list("post_id", "media", "media_type", "alt_text"):
        items[post_id].append(_item(media, media_type, alt_text))
    return items


def _item(media: str, media_type: str | None, alt_text: str) -> dict[str, Any]:
    return {"url": media, "mediaType": media_type, "altText": alt_text or None}


def _serialize(
    post: ScheduledPost, deliveries: Iterable[Delivery], items: list[dict[str, Any]] | None
) -> dict[str, Any]:
    return {
        "id": str(post.pk),
        "orgId": str(post.organization_id),
        "type": post.type,
        "status": str(post.status),
        "media": post.media,
        "mediaType": post.media_type,
        "mediaItems": items,
        "altText": post.alt_text or None,
        "isAiGenerated": post.is_ai_generated,
        "scheduledFor": format_datetime(post.scheduled_for),
        "taskId": str(post.task_id) if post.task_id else None,
        "mediumsData": {delivery.channel.public_id: _medium(post, delivery) for delivery in deliveries},
        "notes": post.notes,
        "review": post.last_review,
        "checks": None,
        "externalId": post.external_id,
        "metadata": post.metadata,
        "brief": post.brief,
        "createdBy": _person(post.created_by_user, post.created_by_key),
        "updatedBy": _person(post.last_edited_by_user, post.last_edited_by_key),
        "createdAt": format_datetime(post.created_at),
        "updatedAt": format_datetime(post.updated_at),
        "version": post.version,
    }


def serialize_with_checks(post: ScheduledPost) -> dict[str, Any]:
    """Return the JSON object with `checks`: what the review page shows, with times in the organization's zone.

    Needs the post loaded by `for_wire`.
    """
    checks = run_checks([post], ZoneInfo(post.organization.time_zone))[post.pk]
    items = [_item(item.media, item.media_type, item.alt_text) for item in post.items] if post.media_count else None
    document = _serialize(post, post.deliveries.all(), items)
    return {**document, "checks": [check_json(check) for check in checks]}


def check_json(check: Check) -> dict[str, Any]:
    return {
        "code": check.name,
        "severity": SEVERITIES[check.level],
        "message": check.words,
        "channelId": check.channel or None,
    }


def serialize_current(organization_id: UUID, post_id: UUID) -> dict[str, Any] | None:
    """Return the JSON object of the organization's post as it is in the database; None when it was deleted."""
    rows = ScheduledPost.objects.filter(organization=organization_id, pk=post_id)
    return next(iter(serialize_posts(only_serialized_fields(rows))), None)


def _medium(post: ScheduledPost, delivery: Delivery) -> dict[str, Any]:
    return {
        "mediumType": delivery.channel.type,
        "caption": delivery.caption,
        "superpower": delivery.superpower,
        "outcome": _outcome(post, delivery),
    }


def _outcome(post: ScheduledPost, delivery: Delivery) -> dict[str, Any] | None:
    """Return the outcome of the delivery; None until publishing begins."""
    if not delivery.state and post.status != Status.PUBLISHING:
        return None
    error = {"code": delivery.error_code, "message": delivery.error_message} if delivery.error_code else None
    return {
        "state": delivery.state or DeliveryState.PENDING.value,
        "postId": delivery.platform_post_id or None,
        "permalink": delivery.permalink or None,
        "publishedAt": format_datetime(delivery.published_at),
        "error": error,
    }


def _person(user: User | None, key: ApiKey | None) -> dict[str, str] | None:
    if key is not None:
        return {"kind": "API_KEY", "id": key.pk, "name": key.name}
    if user is not None:
        return {"kind": "USER", "id": str(user.pk), "name": user.get_full_name() or user.get_username()}
    return None
