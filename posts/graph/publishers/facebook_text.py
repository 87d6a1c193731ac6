"""A Page's text or link. Nothing to stage, and no handle: what was sent is recognised by its words and its time."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from posts.graph import client
from posts.graph.account import Account
from posts.graph.errors import Ambiguous, GraphError
from posts.graph.publishers.base import LookupResult, LookupStatus, PostPayload, Save, Staged, get_id
from posts.graph.publishers.recent_posts import iter_recent, same_text

FIELDS = "id,message,created_time,attachments{url,unshimmed_url,target{url}}"


def stage(_account: Account, _item: PostPayload, _staged: Staged, _save: Save) -> Staged:
    return {"kind": "none", "ready": True}


def commit(account: Account, item: PostPayload, _staged: Staged) -> str:
    return post(account, {"message": item.caption, "link": item.media or ""})


def post(account: Account, params: dict[str, str]) -> str:
    """Post on the Page's feed, without the empty ones of `params`; return the id of the post."""
    said = client.post_public(
        account, f"{account.platform_id}/feed", {name: text for name, text in params.items() if text}
    )
    if post_id := get_id(said):
        return post_id
    raise Ambiguous("The platform accepted the post and named no id")


def find(
    account: Account, item: PostPayload, _staged: Staged, *, since: datetime, claimed: Collection[str]
) -> LookupResult:
    """Exactly the message, in the window, not claimed; of a link the address as well, where it can be read."""
    certain, doubtful = [], False
    try:
        for entry in iter_recent(account, "published_posts", FIELDS, since=since, stamp="created_time"):
            if get_id(entry) in claimed or not same_text(entry.get("message"), item.caption):
                continue
            if not item.media or _same_link(item.media, entry):
                certain.append(get_id(entry))
            else:
                doubtful = True
    except GraphError:
        return LookupResult(LookupStatus.UNKNOWN)
    if certain:
        return LookupResult(LookupStatus.PUBLISHED, certain[0] if len(certain) == 1 else "")
    return LookupResult(LookupStatus.UNKNOWN if doubtful else LookupStatus.NOT_FOUND)


def discard(_account: Account, _staged: Staged) -> None:
    return


def _same_link(link: str, one: dict[str, Any]) -> bool:
    entries = (one.get("attachments") or {}).get("data") or []
    shown = {str(each.get(name) or "") for each in entries for name in ("url", "unshimmed_url")}
    shown |= {str((each.get("target") or {}).get("url") or "") for each in entries}
    return link.rstrip("/") in {each.rstrip("/") for each in shown}
