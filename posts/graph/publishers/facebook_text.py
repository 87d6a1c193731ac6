"""A Page's text or link.

Usually nothing is staged, so there is no id: `find` compares the text and the time. With STAGE_TEXT_POSTS the post is
created unpublished ahead, and the commit publishes it, so that `find` reads exactly that post. The parameters exist in
the schema (graph-api, section 1), but the platform documents neither for this use.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.conf import settings

from posts.graph import client
from posts.graph.account import Account
from posts.graph.errors import (
    Ambiguous,
    GraphError,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    Transient,
    UnknownErrorCode,
)
from posts.graph.feed import iter_recent, same_text, same_text_with_names
from posts.graph.parsing import items
from posts.graph.publishers.base import LookupResult, LookupStatus, PostPayload, Save, Staged, get_id

FIELDS = "id,message,created_time,application{id},attachments{url,unshimmed_url,target{url}}"


def stage(account: Account, post: PostPayload, staged: Staged, save: Save) -> Staged:
    """Create the unpublished post where the setting is on. When the platform refuses it, nothing is staged."""
    if staged.get("post") or not settings.STAGE_TEXT_POSTS:
        return {"kind": "none", **staged, "ready": True}
    try:
        response = client.post_unpublished(
            account, f"{account.platform_id}/feed", {**_params(post), "published": "false"}
        )
    except (InvalidRequest, UnknownErrorCode):
        return {"kind": "none", "ready": True}
    if not (post_id := get_id(response)):
        raise Transient("The platform accepted the unpublished post and returned no id")
    staged = {"kind": "none", "post": post_id, "ready": True}
    save(staged)
    return staged


def commit(account: Account, post: PostPayload, staged: Staged) -> str:
    """Publish the staged post. A second write follows only when that is refused and the post is read as unpublished."""
    if staged.get("post") and _publish_staged(account, staged["post"]):
        return str(staged["post"])
    return publish(account, _params(post))


def _params(post: PostPayload) -> dict[str, str]:
    return {name: value for name, value in (("message", post.caption), ("link", post.media)) if value}


def _publish_staged(account: Account, post_id: str) -> bool:
    """Make the staged post visible; return False when the platform refused it and shows it as unpublished."""
    try:
        response = client.post_public(account, post_id, {"is_published": "true"})
    except (InvalidRequest, NotFound, PermissionDenied, UnknownErrorCode) as refused:
        try:
            published = _is_published(account, post_id)
        except GraphError:
            published = None
        if published is None:
            raise refused.as_kind(Ambiguous, f"{refused} It may have been published before") from None
        return published
    if response.get("success") is not True:
        raise Ambiguous("The platform did not confirm that the post was published")
    return True


def _is_published(account: Account, post_id: str) -> bool | None:
    """Return whether the platform shows the staged post as published, None without an answer. Raises GraphErrors."""
    value = client.get(account, post_id, fields="is_published").get("is_published")
    return value if isinstance(value, bool) else None


def publish(account: Account, params: dict[str, str]) -> str:
    """Post on the Page's feed and return the post's id. Raises Ambiguous without an id."""
    if post_id := get_id(client.post_public(account, f"{account.platform_id}/feed", params)):
        return post_id
    raise Ambiguous("The platform accepted the post and returned no id")


def find(
    account: Account, post: PostPayload, staged: Staged, *, since: datetime, claimed: Collection[str]
) -> LookupResult:
    """Look for a post since `since` with the same message and link that is not `claimed`.

    The platform rewrites messages: mentions become names, blank lines and control characters are dropped. A message
    with names for our mentions counts as the same in a post by our app. UNKNOWN when there is only a post that may be
    ours: with the same message or link, or by our app. A staged post is read by its id; while it is unpublished, the
    post may have been sent to the feed instead.
    """
    try:
        if staged.get("post"):
            published = _is_published(account, staged["post"])
            if published:
                return LookupResult(LookupStatus.PUBLISHED, staged["post"])
            if published is None:
                return LookupResult(LookupStatus.UNKNOWN)
    except GraphError:
        return LookupResult(LookupStatus.UNKNOWN)
    return find_by_text(account, post.caption, link=post.media or "", since=since, claimed=claimed)


def find_by_text(
    account: Account,
    caption: str,
    *,
    link: str = "",
    since: datetime,
    claimed: Collection[str],
    until: datetime | None = None,
) -> LookupResult:
    """Look for an unclaimed post of the Page with this text and link, without an id of ours; see `find`.

    With `until`, a post by our app with another text and link is not ours: see `Publisher.find_lost`.
    """
    certain, doubtful = [], False
    try:
        for node in iter_recent(account, "published_posts", FIELDS, since=since, until=until, stamp="created_time"):
            if get_id(node) in claimed:
                continue
            message = node.get("message")
            same_message = same_text(message, caption) or (
                is_by_our_app(node) and same_text_with_names(message, caption)
            )
            same_link = bool(link) and _same_link(link, node)
            if same_message and (same_link or not link) and (link or caption.strip()):
                certain.append(get_id(node))
            elif same_message or same_link or (until is None and is_by_our_app(node)):
                doubtful = True
    except GraphError:
        return LookupResult(LookupStatus.UNKNOWN)
    if certain:
        return LookupResult.published(certain)
    return LookupResult(LookupStatus.UNKNOWN if doubtful else LookupStatus.NOT_FOUND)


def find_unpublished(account: Account, staged: Staged) -> str:
    """Return the staged post's id unless it is published or gone. Raises Transient when that is unknown."""
    post_id: str = staged.get("post", "")
    if not post_id:
        return ""
    try:
        published = _is_published(account, post_id)
    except NotFound:
        return ""
    if published is None:
        raise Transient("The platform does not show whether the post is published")
    return "" if published else post_id


def is_by_our_app(node: dict[str, Any]) -> bool:
    """Whether our app may have made the post: by its id, and by any app where GRAPH_APP_ID is not set."""
    app = get_id(node.get("application") or {})
    return bool(app) and app == (settings.GRAPH_APP_ID or app)


def _same_link(link: str, node: dict[str, Any]) -> bool:
    attachments = items(node.get("attachments"))
    urls = {str(attachment.get(name) or "") for attachment in attachments for name in ("url", "unshimmed_url")}
    urls |= {str((attachment.get("target") or {}).get("url") or "") for attachment in attachments}
    return link.rstrip("/") in {url.rstrip("/") for url in urls}
