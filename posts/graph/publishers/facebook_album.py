"""Several photos of a Page: each is uploaded unpublished, then all are attached to one post, in their order."""

from collections.abc import Collection
from datetime import datetime

from posts.graph import errors
from posts.graph.account import Account
from posts.graph.publishers import facebook_photo
from posts.graph.publishers.base import LookupResult, LookupStatus, PostPayload, Save, Staged


def stage(account: Account, post: PostPayload, staged: Staged, save: Save) -> Staged:
    """Upload the photos that `staged` lacks, one by one."""
    photos = list(staged.get("photos", []))
    for item in post.items[len(photos) :]:
        photos = [*photos, facebook_photo.upload(account, item)]
        staged = {"kind": "album", "photos": photos, "ready": len(photos) == len(post.items)}
        save(staged)
    return staged


def commit(account: Account, post: PostPayload, staged: Staged) -> str:
    photos = list(staged.get("photos", []))
    if len(photos) != len(post.items):
        raise errors.RestageRequired("Not all photos are staged")
    return facebook_photo.publish(account, post, photos)


def find(
    account: Account, _post: PostPayload, staged: Staged, *, since: datetime, claimed: Collection[str]
) -> LookupResult:
    """Look for our photos' ids in the Page's posts."""
    if not staged.get("photos"):
        return LookupResult(LookupStatus.NOT_FOUND)
    return facebook_photo.find_photos(account, set(staged["photos"]), since=since, claimed=claimed)


def find_unpublished(account: Account, staged: Staged) -> str:
    """Return nothing: each photo of an album is discarded as a photo of its own."""
    del account, staged
    return ""
