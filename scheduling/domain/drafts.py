"""Creates, edits and deletes posts. A refused change stores nothing."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts import clock
from accounts.domain.actors import Actor
from accounts.exceptions import Conflict, ExternalIdInUse, Incomplete, Invalid, StaleVersion
from accounts.models import Organization
from posts.domain import media_store, superpowers
from posts.domain.channels import connected_channels
from posts.models import Channel
from scheduling.domain import discards, enqueue, media_inspection, review, two_person_approval
from scheduling.domain.audit import record_post_event
from scheduling.domain.authors import edited_by, record_author
from scheduling.domain.content import approved_content, caption_hash, deliveries
from scheduling.domain.publishing import hold
from scheduling.domain.validation import Violation, media_of, raise_if_invalid, validate_publishable
from scheduling.lifecycle import EDITABLE, Status
from scheduling.models import Delivery, MediaItem, ScheduledPost

RETRIES = 3
UNPUBLISHED = {"brief": "brief", "external_id": "externalId", "metadata": "metadata"}  # column: name in the API
INSPECTED = ("media_file", "media_sha256", "media_metadata", "media_checked_at")  # columns of the inspection
NOT_INSPECTED: dict[str, Any] = {"media_sha256": "", "media_metadata": {}}


@dataclass(frozen=True)
class ChannelText:
    """A client's content for one channel. `superpower` is a reference or a whole object."""

    medium_type: str
    caption: str = ""
    superpower: dict[str, Any] | None = None


@dataclass(frozen=True)
class Medium:
    """One of several media."""

    url: str
    media_type: str | None = None
    alt_text: str = ""


class Changes(TypedDict, total=False):
    """The fields that a client gave; missing fields are not changed. `channels` replaces the whole map.

    `media_items` replaces `media`, and `media` the items, unless it is the address that the post of the items has as
    `media`: the first one's.
    """

    type: str
    media: str | None
    media_type: str | None
    media_items: list[Medium] | None
    alt_text: str
    is_ai_generated: bool
    scheduled_for: datetime | None
    channels: dict[str, ChannelText]
    # Only for the reviewer and the client: never published, and no digest covers them.
    brief: str | None
    external_id: str | None
    metadata: dict[str, str]


def create(
    actor: Actor, *, organization: Organization, changes: Changes, submit: bool = False, post_id: UUID | None = None
) -> ScheduledPost:
    """Store a new draft and return it; with `submit`, submit it to the reviewers in the same transaction.

    A form that may be submitted twice passes `post_id`.
    Raises Invalid (unknown channel, or not publishable when submitted), Incomplete (superpower), Conflict (hashtag,
    used `post_id`), ExternalIdInUse.
    """
    rows = _deliveries(actor, organization, changes.get("channels", {}))
    post = build_post(actor, organization, changes)
    post.pk = post_id or post.pk
    details = {name: value for name, value in _unpublished(post).items() if value}
    ensure_external_id_is_free(actor, post, changes.get("external_id"))
    try:
        with transaction.atomic():
            post.save(force_insert=True)
            _attach(post, rows)
            _attach_items(post, post.items)
            record_author(actor, post)
            record_post_event(actor, "create", post, "", **details)
            if submit:
                review.submit(actor, post)
            elif post.media:
                enqueue.inspect_after_commit(post)
    except IntegrityError as error:
        raise _clash(actor, post, error) from error
    return post


def build_post(actor: Actor, organization: Organization, changes: Changes) -> ScheduledPost:
    """Return an unsaved post with its unsaved `items`, without deliveries."""
    items = _new_items(organization, None, changes)
    post = ScheduledPost(
        organization=organization,
        created_by_user=actor.user,
        created_by_key=actor.key,
        **edited_by(actor),
        **_columns(changes, items),
    )
    post.media_type = _stored_type(organization, post.media, post.media_type)
    post.items = items or []
    return post


def edit(
    actor: Actor,
    post: ScheduledPost,
    *,
    changes: Changes,
    expected_version: int | None = None,
    precondition: review.Precondition | None = None,
) -> ScheduledPost:
    """Change the content and return the present post. A waiting post must stay publishable.

    Reviewers who have the old version open can no longer approve it: the digest has changed. A new brief, external id
    or metadata is a new version but not new content: the digest and the last editor do not change.
    Raises StateConflict (no longer editable), StaleVersion (`expected_version` is not the current one, or the
    precondition fails), and what `create` raises.
    """
    ensure_external_id_is_free(actor, post, changes.get("external_id"))
    for _ in range(RETRIES):
        if expected_version is not None:
            ensure_version(post, expected_version)
        if precondition is not None:
            precondition(post)
        if post.status not in EDITABLE:
            raise post.conflict("update")
        try:
            with transaction.atomic():
                if _edit_once(actor, post, changes):
                    return post
        except IntegrityError as error:
            raise _clash(actor, post, error) from error
        fresh = review.reload_post(actor, post)
        if fresh is None:
            break
        post = fresh
    raise post.conflict("update")


def would_change(actor: Actor, post: ScheduledPost, changes: Changes) -> bool:
    """Whether `edit` would change the post, which must be editable. Edits it in a transaction that is rolled back."""
    version = post.version
    with transaction.atomic():
        changed = edit(actor, post, changes=changes).version != version
        transaction.set_rollback(True)
    return changed


def ensure_version(post: ScheduledPost, expected_version: int) -> None:
    """Raise StaleVersion unless `expected_version` is the current one."""
    if post.version != expected_version:
        raise stale_version(post)


def stale_version(post: ScheduledPost) -> StaleVersion:
    """Return the error for a caller that has seen another state of the post than the present one."""
    details = {"version": post.version, "revision": post.revision}
    return StaleVersion(f"This post is at version {post.version}, revision {post.revision}", details)


def delete(
    actor: Actor, post: ScheduledPost, *, reason: str = "", precondition: review.Precondition | None = None
) -> None:
    """Delete the post and cancel its pending task. Its approver is notified with the `reason`.

    Raises StaleVersion when the precondition fails, StateConflict when it is publishing, or is or may be published on
    a channel, and Conflict when it may have been published before a restore.
    """
    with transaction.atomic():
        # A claim waits for the lock and then finds no row, so that nothing is published in the meantime.
        locked = ScheduledPost.objects.select_for_update().filter(pk=post.pk).first()
        if locked is not None and precondition is not None:
            precondition(locked)
        if locked is None or "delete" not in locked.allowed_actions():
            raise post.conflict("delete")
        hold.ensure_not_in_doubt(locked)
        discards.add(locked.deliveries.exclude(staged={}))
        record_post_event(actor, "delete", locked, str(locked.status), **review.taking_back_details(locked, reason))
        ScheduledPost.objects.filter(pk=locked.pk).delete()
        enqueue.cancel_after_commit(locked.task_id)


def _edit_once(actor: Actor, post: ScheduledPost, changes: Changes) -> bool:
    rows = deliveries(post)
    before, unpublished = approved_content(post, rows), _unpublished(post)
    given = changes.get("channels")
    new_rows = None if given is None else _deliveries(actor, post.organization, given, post)
    items = _new_items(post.organization, post, changes)
    columns = _changed_columns(post, changes, items)
    old = {name: getattr(post, name) for name in columns} | {"items": post.items}
    _set(post, columns if items is None else {**columns, "items": items})
    after = approved_content(post, new_rows if new_rows is not None else rows)
    changed = sorted(name for name in after.keys() | before.keys() if after.get(name) != before.get(name))
    details = {name: value for name, value in _unpublished(post).items() if value != unpublished[name]}
    if not changed and not details:
        return True
    fields = [*changed, *details]
    if changed and post.status == Status.WAITING_FOR_APPROVAL:
        validate_publishable(post, new_rows if new_rows is not None else rows)
    columns["updated_at"] = clock.now()
    if changed:
        details |= _overwriting(actor, post)
        columns |= edited_by(actor)
    unchanged = {"status": post.status, "version": post.version, "revision": post.revision}
    step = 1 if changed else 0
    columns |= {"version": post.version + 1, "revision": post.revision + step}
    if not ScheduledPost.objects.filter(pk=post.pk, **unchanged).update(**columns):
        _set(post, old)
        return False
    _set(post, columns)
    if changed and new_rows is not None:
        lost_since = min((row.lost_since for row in rows if row.lost_since), default=None)
        for row in new_rows:
            row.lost_since = lost_since
        post.deliveries.all().delete()
        _attach(post, new_rows)
    if changed and items is not None:
        MediaItem.objects.filter(post=post).delete()
        _attach_items(post, items)
    if changed:
        record_author(actor, post)
    two_person_approval.revoke_pending_approvals(post)  # also for a new brief, which the second reviewer reads
    record_post_event(actor, "edit", post, str(post.status), fields=fields, **details)
    if post.media and (post.status == Status.WAITING_FOR_APPROVAL or post.media_checked_at is None):
        enqueue.inspect_after_commit(post)
    return True


def _overwriting(actor: Actor, post: ScheduledPost) -> dict[str, Any]:
    """Return the detail of an edit by a key that names the person who edited the post last, and is notified of it."""
    person = post.last_edited_by_user_id
    return {"overwritten": person} if actor.key is not None and person is not None else {}


def _set(row: ScheduledPost | MediaItem, columns: dict[str, Any]) -> None:
    for name, value in columns.items():
        setattr(row, name, value)


def _columns(changes: Changes, items: list[MediaItem] | None, *, had_items: bool = False) -> dict[str, Any]:
    """Return the changed columns of the post. `items` are those of `_new_items`."""
    columns = {name: value for name, value in changes.items() if name not in {"channels", "media_items"}}
    if items:
        columns |= {"media": items[0].media, "media_type": items[0].media_type}
    elif items is not None and had_items:
        columns = {"media": None, "media_type": None, **columns}
    return columns if items is None else {**columns, "media_count": len(items)}


def _changed_columns(post: ScheduledPost, changes: Changes, items: list[MediaItem] | None) -> dict[str, Any]:
    columns = _columns(changes, items, had_items=bool(post.items))
    if items is not None:
        columns |= _media_columns(post, items, columns["media"])
    if "media" in columns:
        media_type = columns.get("media_type", post.media_type)
        columns["media_type"] = _stored_type(post.organization, columns["media"], media_type)
    return columns


def _new_items(organization: Organization, post: ScheduledPost | None, changes: Changes) -> list[MediaItem] | None:
    """Return the unsaved items of the carousel that the change makes, empty when it makes a post with one medium.

    None when the change concerns no media. An item keeps the stored copy that the post has of the same address.
    """
    before = post.items if post else []
    if changes.get("media_items") or (before and "media_items" in changes):
        given = changes["media_items"] or []
    elif before and "media" in changes and changes["media"] != before[0].media:
        given = []
    elif before and changes.get("media_type", before[0].media_type) != before[0].media_type:
        message = "Each of several media has its own mediaType, in mediaItems"
        raise_if_invalid([Violation(["mediaType"], message, "mediaType.items")])
        return None
    elif not before and "media" in changes and (post is None or changes["media"] != post.media):
        given = []
    else:
        return None
    items = [
        MediaItem(
            position=number,
            media=medium.url,
            media_type=_stored_type(organization, medium.url, medium.media_type),
            alt_text=medium.alt_text,
        )
        for number, medium in enumerate(given)
    ]
    known = _known_copies(post) if post else {}
    for item in items:
        if copies := known.get(item.media):
            _set(item, copies[min(len(copies) - 1, _occurrence(items, item))])
    return items


def _stored_type(organization: Organization, media: str | None, media_type: str | None) -> str | None:
    """Return `media_type`, or without one that of the stored file that `media` names."""
    if media_type or not media or not media_store.is_stable_url(media):
        return media_type
    stored = media_store.find_stored(organization, media)
    return stored.kind if stored else None


def _occurrence(items: list[MediaItem], item: MediaItem) -> int:
    return sum(other.media == item.media for other in items[: item.position])


def _known_copies(post: ScheduledPost) -> dict[str, list[dict[str, Any]]]:
    """Return the columns of the inspection by address, one for each time that the post has the address."""
    known: dict[str, list[dict[str, Any]]] = {}
    for medium in media_of(post):
        if medium.media and medium.media_file_id:
            known.setdefault(medium.media, []).append({name: getattr(medium, name) for name in INSPECTED})
    return known


def _media_columns(post: ScheduledPost, items: list[MediaItem], media: str | None) -> dict[str, Any]:
    """Return the columns of the inspection for a post whose media are changed."""
    if items:
        checked = max((item.media_checked_at for item in items if item.media_checked_at), default=None)
        complete = all(item.media_file_id for item in items)
        return {**media_inspection.first_item_columns(items), "media_checked_at": checked if complete else None}
    copies = _known_copies(post).get(media or "", [])
    return {"link_image": None, **(copies[0] if copies else dict.fromkeys(INSPECTED) | NOT_INSPECTED)}


def _attach_items(post: ScheduledPost, items: list[MediaItem]) -> None:
    for item in items:
        item.post = post
    MediaItem.objects.bulk_create(items)


def _deliveries(
    actor: Actor, organization: Organization, channels: dict[str, ChannelText], post: ScheduledPost | None = None
) -> list[Delivery]:
    known: dict[str, Channel] = {}
    if channels:
        known = {channel.public_id: channel for channel in connected_channels(organization.pk, actor.key, channels)}
    raise_if_invalid(channel_violations(channels, known))
    held = set(post.deliveries.values_list("lookup_hashtag", flat=True)) if post else set()
    rows: list[Delivery] = []
    incomplete: list[Incomplete] = []
    for public_id, text in channels.items():
        try:
            rows.append(build_delivery(organization, known[public_id], text, held))
        except Incomplete as error:
            incomplete.append(error)
    if incomplete:
        raise Incomplete(incomplete[0].message, [detail for error in incomplete for detail in error.details])
    own = [row.lookup_hashtag for row in rows if row.lookup_hashtag]
    if len(own) != len(set(own)) or hashtag_taken(organization, own, post):
        raise superpowers.HashtagInUse
    return rows


def build_delivery(
    organization: Organization, channel: Channel, text: ChannelText, held: Collection[str | None] = ()
) -> Delivery:
    """Return the unsaved delivery of `text`. Raises Incomplete, Invalid or Conflict for its superpower.

    `held` are the hashtags that its post has.
    """
    row = Delivery(organization=organization, channel=channel, caption=text.caption)
    row.caption_hash = caption_hash(text.caption)
    if text.superpower is not None:
        try:
            row.superpower = superpowers.expand(organization, text.superpower)
            superpowers.check_complete(row.superpower)
            row.lookup_hashtag = superpowers.claimed_hashtag(organization, text.superpower, row.superpower, held)
        except (Incomplete, Invalid) as error:
            root = ["channels", channel.public_id]
            details = [{**detail, "path": [*root, *detail["path"]]} for detail in error.details]
            raise type(error)(error.message, details) from None
    return row


def hashtag_taken(organization: Organization, lookups: list[str], post: ScheduledPost | None) -> bool:
    """Whether another post than `post` has one of the hashtags. Of two concurrent requests a constraint refuses one."""
    return Delivery.objects.filter(organization=organization, lookup_hashtag__in=lookups).exclude(post=post).exists()


def channel_violations(channels: dict[str, ChannelText], known: dict[str, Channel]) -> Iterator[Violation]:
    for public_id, text in channels.items():
        channel = known.get(public_id)
        if channel is None:
            yield Violation(["channels", public_id], f"Unknown channel {public_id[:80]}", "channel.unknown")
        elif channel.type != text.medium_type:
            message = f"{channel.name} is of type {channel.type}, not {text.medium_type[:40]}"
            yield Violation(["channels", public_id, "mediumType"], message, "channel.type")


def _attach(post: ScheduledPost, rows: list[Delivery]) -> None:
    for row in rows:
        row.post = post
    Delivery.objects.bulk_create(rows)


def _unpublished(post: ScheduledPost) -> dict[str, Any]:
    """Return what is only for the reviewer and the client, by its name in the API."""
    return {name: getattr(post, column) for column, name in UNPUBLISHED.items()}


def ensure_external_id_is_free(actor: Actor, post: ScheduledPost, external_id: str | None) -> None:
    """Raise ExternalIdInUse, with the other post's id unless the actor's key may not see that post."""
    if not external_id:
        return
    posts = ScheduledPost.objects.filter(organization=post.organization_id, external_id=external_id)
    if posts.exclude(pk=post.pk).exists():
        visible = posts.visible_to_key(actor.key).values_list("pk", flat=True).first()
        raise ExternalIdInUse("The externalId is in use", {"id": str(visible)} if visible else None)


def _clash(actor: Actor, post: ScheduledPost, error: IntegrityError) -> Exception:
    if "external_id" in str(error):
        try:
            ensure_external_id_is_free(actor, post, post.external_id)
        except ExternalIdInUse as conflict:
            return conflict
    if "hashtag" in str(error):
        return superpowers.HashtagInUse()
    used = post._state.adding and ScheduledPost.objects.filter(pk=post.pk).exists()
    return Conflict("This post was saved already. Open it to change it") if used else error
