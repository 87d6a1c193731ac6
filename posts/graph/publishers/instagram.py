"""The Publisher of Instagram accounts: the platform fetches the media into a container, and one call publishes it.

A container can be published once, expires after 24 hours, and its status shows whether it was published.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from posts.graph import client, error_codes, errors
from posts.graph.account import Account
from posts.graph.errors import GraphError
from posts.graph.feed import iter_recent, same_text
from posts.graph.parsing import dig, items
from posts.graph.publishers.base import (
    LookupResult,
    LookupStatus,
    PayloadItem,
    PostPayload,
    Save,
    Staged,
    get_id,
    verify_media_hash,
)
from posts.graph.publishers.facebook import read_address

FIELDS = "id,caption,media_type,media_product_type,timestamp"
CHECK_SECONDS = 5.0  # for each call


class Instagram:
    def stage(self, account: Account, post: PostPayload, staged: Staged, save: Save) -> Staged:
        """Create the container, for which the platform fetches our stored copy, and wait for FINISHED.

        For a carousel first a container for each item, and wait for these.
        """
        if not staged.get("container"):
            params = _container_params(post)
            if not staged.get("children"):
                check_quota(account)
            if post.items:
                staged = _stage_children(account, post, staged, save)
                params["children"] = ",".join(staged["children"])
            else:
                verify_media_hash(post)
            staged = {"kind": "container", **staged, "container": _create_container(account, params), "ready": False}
            save(staged)
        if staged.get("ready"):
            return staged
        _check_finished(account, staged["container"])
        staged = {**staged, "ready": True}
        save(staged)
        return staged

    def commit(self, account: Account, post: PostPayload, staged: Staged) -> str:
        del post
        container = staged.get("container")
        if not container:
            raise errors.RestageRequired("There is no container")
        try:
            response = client.post_public(account, f"{account.platform_id}/media_publish", {"creation_id": container})
        except (errors.NotReady, errors.RestageRequired) as error:
            raise _explain_refusal(account, container, error) from None
        if media := get_id(response):
            return media
        raise errors.Ambiguous("The platform accepted the post and returned no id")

    def find(
        self, account: Account, post: PostPayload, staged: Staged, *, since: datetime, claimed: Collection[str]
    ) -> LookupResult:
        container = staged.get("container")
        if not container:
            return LookupResult(LookupStatus.NOT_FOUND)
        try:
            status = _container_status(account, container)[0]
        except GraphError:
            # 100/33 included: valid containers were denied for a day in May 2026.
            return LookupResult(LookupStatus.UNKNOWN)
        if status == "IN_PROGRESS":
            return LookupResult(LookupStatus.PROCESSING)
        try:
            matches, others = _matching_media(account, post, since=since, claimed=claimed)
        except GraphError:
            return LookupResult(LookupStatus.PUBLISHED if status == "PUBLISHED" else LookupStatus.UNKNOWN)
        return _lookup_result(status, matches, others, post)

    def find_by_content(
        self, account: Account, post: PostPayload, staged: Staged, *, since: datetime, claimed: Collection[str]
    ) -> LookupResult:
        if staged.get("container"):
            return LookupResult(LookupStatus.NOT_FOUND)  # `find` has compared the media
        try:
            matches, others = _matching_media(account, post, since=since, claimed=claimed)
        except GraphError:
            return LookupResult(LookupStatus.UNKNOWN)
        return _result_of_media(post, matches, doubtful=bool(matches or others))

    def find_lost(
        self, account: Account, post: PostPayload, *, since: datetime, until: datetime, claimed: Collection[str]
    ) -> LookupResult:
        try:
            matches, _others = _matching_media(account, post, since=since, claimed=claimed, until=until)
        except GraphError:
            return LookupResult(LookupStatus.UNKNOWN)
        return _result_of_media(post, matches, doubtful=bool(matches))

    def find_unpublished(self, account: Account, staged: Staged) -> str:
        """Return nothing: containers cannot be deleted; they are invisible and expire."""
        del account, staged
        return ""

    def delete_unpublished(self, account: Account, object_id: str) -> None:
        """Do nothing, for the same reason."""
        del account, object_id

    def permalink(self, account: Account, post_id: str) -> str | None:
        return read_address(account, post_id, "permalink")


def _stage_children(account: Account, post: PostPayload, staged: Staged, save: Save) -> Staged:
    """Create the containers of the items that `staged` lacks, and return when all are FINISHED.

    Raises what `_check_finished` raises: when one has failed, all are made again.
    """
    children = list(staged.get("children", []))
    for item in post.items[len(children) :]:
        verify_media_hash(item)
        children = [*children, _create_container(account, _child_params(item))]
        staged = {"kind": "container", "children": children, "ready": False}
        save(staged)
    for child in children:
        _check_finished(account, child)
    return staged


def _create_container(account: Account, params: dict[str, str]) -> str:
    if container := get_id(client.post_unpublished(account, f"{account.platform_id}/media", params)):
        return container
    raise errors.Transient("The platform created a container and returned no id")


def _child_params(item: PayloadItem) -> dict[str, str]:
    """Return the parameters of a carousel's child, which has neither a caption nor the AI label."""
    url = item.stored.url if item.stored else ""
    if item.media_type == "VIDEO":
        return {"is_carousel_item": "true", "media_type": "VIDEO", "video_url": url}
    return {"is_carousel_item": "true", "image_url": url, **({"alt_text": item.alt_text} if item.alt_text else {})}


def _container_params(post: PostPayload) -> dict[str, str]:
    """Return the parameters of the container. A single video is REELS: VIDEO is for children of a carousel only."""
    params = _media_params(post)
    return {**params, "is_ai_generated": "true"} if post.is_ai_generated else params


def _media_params(post: PostPayload) -> dict[str, str]:
    if post.items:
        if post.type != "POST":
            raise errors.InvalidRequest(f"Instagram does not accept a {post.type} with several media")
        return {"media_type": "CAROUSEL", "caption": post.caption}
    media = {"video_url" if post.media_type == "VIDEO" else "image_url": post.stored.url if post.stored else ""}
    match post.type, post.media_type if post.media else None:
        case "POST", "IMAGE":
            return {**media, "caption": post.caption, **({"alt_text": post.alt_text} if post.alt_text else {})}
        case "POST" | "REEL", "VIDEO":
            return {**media, "media_type": "REELS", "caption": post.caption}
        case "STORY", "IMAGE" | "VIDEO":
            return {**media, "media_type": "STORIES"}
        case _:
            raise errors.InvalidRequest(f"Instagram does not accept a {post.type} with this media")


def _container_status(account: Account, container: str) -> tuple[str, str]:
    response = client.get(account, container, fields="status_code,status")
    return str(response.get("status_code") or ""), str(response.get("status") or "")


def _check_finished(account: Account, container: str) -> None:
    """Return when the container is FINISHED or PUBLISHED. Raises NotReady, RestageRequired, or InvalidRequest."""
    code, text = _container_status(account, container)
    if code in {"FINISHED", "PUBLISHED"}:
        return
    if code == "EXPIRED":
        raise errors.RestageRequired("The container has expired")
    if code != "ERROR":
        raise errors.NotReady("Instagram is still processing the media")
    number, subcode, row = error_codes.from_container_status(text)
    kind = row.kind if row and issubclass(row.kind, errors.InvalidRequest) else errors.RestageRequired
    meaning = row.meaning if row else "Instagram could not process the media"
    raise kind(meaning, code=number, subcode=subcode)


def _explain_refusal(account: Account, container: str, refused: errors.NotReady | errors.RestageRequired) -> GraphError:
    """Return the error that a refused publish means: that of a published container equals that of an unknown one."""
    try:
        status = _container_status(account, container)[0]
    except GraphError:
        status = ""
    if isinstance(refused, errors.NotReady) and status != "PUBLISHED":
        return refused
    if status in {"ERROR", "EXPIRED"}:
        return refused.as_kind(errors.RestageRequired)
    if status in {"FINISHED", "IN_PROGRESS"}:
        return refused.as_kind(errors.NotReady, "Instagram does not know its own container yet")
    return refused.as_kind(errors.Ambiguous, f"{refused} It may have been published before")


def _lookup_result(status: str, matches: list[str], others: list[str], post: PostPayload) -> LookupResult:
    """Return the result of the container's status and the listed media together. `others` have another caption."""
    if status == "PUBLISHED":
        return LookupResult(LookupStatus.PUBLISHED, matches[0] if len(matches) == 1 else "")
    if status not in {"FINISHED", "ERROR", "EXPIRED"}:
        return LookupResult(LookupStatus.UNKNOWN)
    if not matches:
        # While the status may be old, a post of the same kind can be ours with a caption that the platform rewrote.
        unclear = others and status == "FINISHED"
        return LookupResult(LookupStatus.UNKNOWN if unclear else LookupStatus.NOT_FOUND)
    # The listing contradicts the status. A caption decides; a story has none, and may have been published elsewhere.
    certain = len(matches) == 1 and post.type != "STORY" and post.caption.strip()
    return LookupResult(LookupStatus.PUBLISHED, matches[0]) if certain else LookupResult(LookupStatus.UNKNOWN)


def _result_of_media(post: PostPayload, matches: list[str], *, doubtful: bool) -> LookupResult:
    """Return the result without a container's status. A caption decides; a story has none, so it is never certain."""
    if matches and post.type != "STORY" and post.caption.strip():
        return LookupResult.published(matches)
    return LookupResult(LookupStatus.UNKNOWN if doubtful else LookupStatus.NOT_FOUND)


def _matching_media(
    account: Account,
    post: PostPayload,
    *,
    since: datetime,
    claimed: Collection[str],
    until: datetime | None = None,
) -> tuple[list[str], list[str]]:
    """Return the ids of unclaimed media of the same time and kind: those with the caption, and those with another."""
    is_story = post.type == "STORY"
    product = "REELS" if post.media_type == "VIDEO" and not post.items else "FEED"
    if is_story:
        product = "STORY"
    matches: list[str] = []
    others: list[str] = []
    edge = "stories" if is_story else "media"
    for node in iter_recent(account, edge, FIELDS, since=since, until=until, stamp="timestamp"):
        is_carousel = node.get("media_type") == "CAROUSEL_ALBUM"
        if (
            node.get("media_product_type") == product
            and is_carousel == bool(post.items)
            and get_id(node) not in claimed
        ):
            same = is_story or same_text(node.get("caption"), post.caption)
            (matches if same else others).append(get_id(node))
    return matches, others


@dataclass(frozen=True)
class Quota:
    """Posts of the last 24 hours, and their maximum; None where the platform returned no number.

    Read each time: the documentation says 25, 50 and 100.
    """

    used: int | None
    total: int | None


def read_quota(account: Account, *, seconds: float | None = None) -> Quota:
    path = f"{account.platform_id}/content_publishing_limit"
    entry = (items(client.get(account, path, seconds=seconds, fields="config,quota_usage")) or [{}])[0]
    return Quota(_count(entry.get("quota_usage")), _count(dig(entry, "config", "quota_total")))


def check_quota(account: Account) -> None:
    """Raise QuotaReached when no post is left, AuthFailed for a bad token.

    Other errors are ignored: the publish call fails with the same code when the quota is used up.
    """
    try:
        quota = read_quota(account)
    except errors.AuthFailed:
        raise
    except GraphError:
        return
    if quota.used is not None and quota.total is not None and 0 < quota.total <= quota.used:
        text = f"The account has used up its posts of the day: {quota.used} of {quota.total}"
        raise errors.QuotaReached(text, code=9, subcode=2207042)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else None


@dataclass(frozen=True)
class AccountCheck:
    """Name and handle of the account as the platform reports them, empty where it does not; the quota of Instagram."""

    name: str
    username: str
    quota: Quota


def check_account(account: Account) -> AccountCheck:
    """Read the account and, of Instagram, its quota. Raises GraphErrors, also when the platform names another account.

    Success shows that the token is valid; only publishing shows whether it may publish.
    """
    node = client.get(account, account.platform_id, seconds=CHECK_SECONDS, fields="id,name,username")
    if str(node.get("id")) != account.platform_id:
        raise errors.GraphError("The platform answered for another account")
    is_page = account.type == "FB_PAGE"
    quota = Quota(None, None) if is_page else read_quota(account, seconds=CHECK_SECONDS)
    return AccountCheck(_text(node.get("name")), _text(node.get("username")), quota)


def _text(value: object) -> str:
    return value[:200] if isinstance(value, str) else ""
