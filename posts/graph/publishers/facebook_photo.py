"""A Page's photo: uploaded unpublished, then attached to a post. The photo's id makes the look-up exact."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from accounts import clock
from posts.graph import client, errors
from posts.graph.account import Account
from posts.graph.errors import GraphError
from posts.graph.feed import iter_recent
from posts.graph.parsing import items
from posts.graph.publishers import base, facebook_text
from posts.graph.publishers.base import LookupResult, LookupStatus, PayloadItem, PostPayload, Save, Staged

FIELDS = "id,created_time,application{id},attachments{target{id},subattachments{target{id}}}"
LOOK_BACK = timedelta(days=2)  # longer than anything stays staged


def stage(account: Account, post: PostPayload, staged: Staged, save: Save) -> Staged:
    """Upload the stored bytes, not their URL: the platform could fetch other bytes."""
    if staged.get("photo"):
        return {**staged, "ready": True}
    staged = {"kind": "photo", "photo": upload(account, post), "ready": True}
    save(staged)
    return staged


def upload(account: Account, medium: PostPayload | PayloadItem) -> str:
    """Upload the stored image unpublished, with its alternative text, and return the photo's id."""
    content_type = medium.stored.content_type if medium.stored else ""
    if content_type.startswith("video/"):
        raise errors.InvalidRequest("The media is a video, not an image")
    with base.open_approved_media(medium) as file:
        source = {"source": ("picture.jpeg", file.read(), content_type)}
    params = {"published": "false"}
    if medium.alt_text:
        params["alt_text_custom"] = medium.alt_text
    response = client.post_unpublished(account, f"{account.platform_id}/photos", params, source)
    if not (photo := base.get_id(response)):
        raise errors.Transient("The platform accepted the photo and returned no id")
    return photo


def commit(account: Account, post: PostPayload, staged: Staged) -> str:
    photo = staged.get("photo")
    if not photo:
        raise errors.RestageRequired("There is no staged photo")
    return publish(account, post, [photo])


def publish(account: Account, post: PostPayload, photos: list[str]) -> str:
    """Post the staged photos on the Page's feed and return the post's id."""
    params = {f"attached_media[{number}]": f'{{"media_fbid":"{photo}"}}' for number, photo in enumerate(photos)}
    if post.caption:
        params["message"] = post.caption
    try:
        return facebook_text.publish(account, params)
    except errors.Duplicate as error:
        # Only an earlier commit of ours can have posted these photos.
        raise error.as_kind(errors.Ambiguous) from None
    except errors.InvalidRequest as error:
        if any(is_deleted(account, photo) for photo in photos):
            raise error.as_kind(errors.RestageRequired, "A staged photo is gone") from None
        raise


def find(
    account: Account, _post: PostPayload, staged: Staged, *, since: datetime, claimed: Collection[str]
) -> LookupResult:
    """Look for our photo's id in the Page's posts.

    UNKNOWN when there is only an unclaimed post by our app whose attachments the platform does not show.
    """
    photo = staged.get("photo")
    if not photo:
        return LookupResult(LookupStatus.NOT_FOUND)
    return find_photos(account, {photo}, since=since, claimed=claimed)


def find_photos(account: Account, photos: set[str], *, since: datetime, claimed: Collection[str]) -> LookupResult:
    """Look for a post of the Page with any of these photos, of which one post of ours has all."""
    doubtful = False
    try:
        for node in iter_recent(account, "published_posts", FIELDS, since=since, stamp="created_time"):
            attached = _attached_ids(node)
            if photos & attached:
                return LookupResult(LookupStatus.PUBLISHED, base.get_id(node))
            hidden = not attached and not node.get("message")
            doubtful |= hidden and facebook_text.is_by_our_app(node) and base.get_id(node) not in claimed
    except GraphError:
        return LookupResult(LookupStatus.UNKNOWN)
    return LookupResult(LookupStatus.UNKNOWN if doubtful else LookupStatus.NOT_FOUND)


def find_unpublished(account: Account, staged: Staged) -> str:
    """Return the photo's id, unless a post of the Page contains it or the photo is gone."""
    photo: str = staged.get("photo", "")
    if not photo or is_deleted(account, photo):
        return ""
    recent = iter_recent(account, "published_posts", FIELDS, since=clock.now() - LOOK_BACK, stamp="created_time")
    return "" if any(photo in _attached_ids(node) for node in recent) else photo


def is_deleted(account: Account, photo: str) -> bool:
    try:
        client.get(account, photo, fields="id")
    except GraphError as error:
        return isinstance(error, errors.NotFound)
    return False


def _attached_ids(node: dict[str, Any]) -> set[str]:
    """Return the ids of all attachments of a post, nested ones included."""
    ids: set[str] = set()
    for edge in ("attachments", "subattachments"):
        for attachment in items(node.get(edge)):
            ids |= {base.get_id(attachment.get("target") or {})} | _attached_ids(attachment)
    return ids
