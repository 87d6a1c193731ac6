"""A Page's text or link. Nothing is staged, so there is no id: `find` compares the text and the time."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.conf import settings

from posts.graph import client
from posts.graph.account import Account
from posts.graph.errors import Ambiguous, GraphError
from posts.graph.feed import iter_recent, same_text
from posts.graph.parsing import items
from posts.graph.publishers.base import LookupResult, LookupStatus, PostPayload, Save, Staged, get_id

FIELDS = "id,message,created_time,application{id},attachments{url,unshimmed_url,target{url}}"


def stage(_account: Account, _post: PostPayload, _staged: Staged, _save: Save) -> Staged:
    return {"kind": "none", "ready": True}


def commit(account: Account, post: PostPayload, _staged: Staged) -> str:
    return publish(account, {"message": post.caption, "link": post.media or ""})


def publish(account: Account, params: dict[str, str]) -> str:
    """Post on the Page's feed, without the empty `params`; return the post's id. Raises Ambiguous without an id."""
    sent = {name: value for name, value in params.items() if value}
    if post_id := get_id(client.post_public(account, f"{account.platform_id}/feed", sent)):
        return post_id
    raise Ambiguous("The platform accepted the post and returned no id")


def find(
    account: Account, post: PostPayload, _staged: Staged, *, since: datetime, claimed: Collection[str]
) -> LookupResult:
    """Look for a post since `since` with the same message and link that is not `claimed`.

    UNKNOWN when there is only a post that may be ours: with the same message or link, or by our app. The platform
    rewrites both: mentions become names, blank lines and control characters are dropped.
    """
    certain, doubtful = [], False
    try:
        for node in iter_recent(account, "published_posts", FIELDS, since=since, stamp="created_time"):
            if get_id(node) in claimed:
                continue
            same_message = same_text(node.get("message"), post.caption)
            same_link = bool(post.media) and _same_link(post.media or "", node)
            if same_message and (same_link or not post.media):
                certain.append(get_id(node))
            elif same_message or same_link or is_by_our_app(node):
                doubtful = True
    except GraphError:
        return LookupResult(LookupStatus.UNKNOWN)
    if certain:
        return LookupResult(LookupStatus.PUBLISHED, certain[0] if len(certain) == 1 else "")
    return LookupResult(LookupStatus.UNKNOWN if doubtful else LookupStatus.NOT_FOUND)


def find_unpublished(_account: Account, _staged: Staged) -> str:
    return ""


def is_by_our_app(node: dict[str, Any]) -> bool:
    """Whether our app may have made the post: by its id, and by any app where GRAPH_APP_ID is not set."""
    app = get_id(node.get("application") or {})
    return bool(app) and app == (settings.GRAPH_APP_ID or app)


def _same_link(link: str, node: dict[str, Any]) -> bool:
    attachments = items(node.get("attachments"))
    urls = {str(attachment.get(name) or "") for attachment in attachments for name in ("url", "unshimmed_url")}
    urls |= {str((attachment.get("target") or {}).get("url") or "") for attachment in attachments}
    return link.rstrip("/") in {url.rstrip("/") for url in urls}
