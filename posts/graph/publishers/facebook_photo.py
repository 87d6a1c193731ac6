"""A Page's photo: uploaded unpublished, then attached to a post. The photo's id makes reading back exact."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from accounts import clock
from posts.graph import client
from posts.graph.account import Account
from posts.graph.errors import Ambiguous, Duplicate, GraphError, InvalidRequest, NotFound, RestageRequired, Transient
from posts.graph.publishers import facebook_text
from posts.graph.publishers.approved_media import open_approved_media
from posts.graph.publishers.base import LookupResult, LookupStatus, PostPayload, Save, Staged, get_id
from posts.graph.publishers.recent_posts import iter_recent

FIELDS = "id,created_time,attachments{target{id},subattachments{target{id}}}"
LOOK_BACK = timedelta(days=2)  # what is staged lives shorter


def stage(account: Account, item: PostPayload, staged: Staged, save: Save) -> Staged:
    """Upload the approved bytes themselves, so that what goes live is what was approved."""
    if staged.get("photo"):
        return {**staged, "ready": True}
    with open_approved_media(item) as (file, facts):
        if not facts.content_type.startswith("image/"):
            raise InvalidRequest("The media is a video, not a picture")
        name = f"picture.{facts.content_type.partition('/')[2]}"
        source = {"source": (name, file.read(), facts.content_type)}
    said = client.post_unpublished(account, f"{account.platform_id}/photos", {"published": "false"}, source)
    if not (photo := get_id(said)):
        raise Transient("The platform took the photo and named no id")
    staged = {"kind": "photo", "photo": photo, "ready": True}
    save(staged)
    return staged


def commit(account: Account, item: PostPayload, staged: Staged) -> str:
    photo = staged.get("photo")
    if not photo:
        raise RestageRequired("There is no staged photo")
    params = {"message": item.caption, "attached_media[0]": f'{{"media_fbid":"{photo}"}}'}
    refused: InvalidRequest | Duplicate
    try:
        return facebook_text.post(account, params)
    except (InvalidRequest, Duplicate) as error:
        refused = error
    if isinstance(refused, Duplicate):
        # Nobody but an earlier commit of ours posts this photo.
        raise Ambiguous(str(refused), code=refused.code, subcode=refused.subcode, trace=refused.trace)
    if _gone(account, photo):
        raise RestageRequired(
            "The staged photo is gone", code=refused.code, subcode=refused.subcode, trace=refused.trace
        )
    raise refused


def find(
    account: Account, _item: PostPayload, staged: Staged, *, since: datetime, claimed: Collection[str]
) -> LookupResult:
    """Our photo's id among what the Page shows. Exact, so that `claimed` has nothing to add."""
    del claimed
    photo = staged.get("photo")
    if not photo:
        return LookupResult(LookupStatus.NOT_FOUND)
    try:
        for item in iter_recent(account, "published_posts", FIELDS, since=since, stamp="created_time"):
            if photo in _targets(item):
                return LookupResult(LookupStatus.PUBLISHED, get_id(item))
    except GraphError:
        return LookupResult(LookupStatus.UNKNOWN)
    return LookupResult(LookupStatus.NOT_FOUND)


def discard(account: Account, staged: Staged) -> None:
    """Delete the photo, unless a post shows it or nobody can tell."""
    photo = staged.get("photo")
    if not photo:
        return
    seen = find(account, PostPayload("POST", "", None, "IMAGE", ""), staged, since=clock.now() - LOOK_BACK, claimed=())
    if seen.verdict is not LookupStatus.NOT_FOUND:
        return
    try:
        client.delete(account, photo)
    except GraphError:
        return


def _gone(account: Account, photo: str) -> bool:
    try:
        client.get(account, photo, fields="id")
    except NotFound:
        return True
    except GraphError:
        return False
    return False


def _targets(node: dict[str, Any]) -> set[str]:
    """Return the ids of everything that hangs on the post."""
    found: set[str] = set()
    for edge in ("attachments", "subattachments"):
        for item in (node.get(edge) or {}).get("data") or []:
            found |= {get_id(item.get("target") or {})} | _targets(item)
    return found
