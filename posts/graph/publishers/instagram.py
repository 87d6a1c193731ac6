"""Instagram: a container is made and filled by the platform, which fetches the media itself; publishing it is one call.

The container is the handle: single use, alive for 24 hours, and its status tells whether it went out.
"""

from collections.abc import Collection
from datetime import datetime

from posts.graph import client, error_codes
from posts.graph.account import Account
from posts.graph.errors import Ambiguous, GraphError, InvalidRequest, NotReady, RestageRequired, Transient
from posts.graph.publishers import approved_media, quota
from posts.graph.publishers.base import LookupResult, LookupStatus, PostPayload, Save, Staged, get_id
from posts.graph.publishers.facebook import read_address
from posts.graph.publishers.recent_posts import iter_recent, same_text

FIELDS = "id,caption,media_type,media_product_type,timestamp"


class Instagram:
    """The Publisher of Instagram professional accounts."""

    def stage(self, account: Account, item: PostPayload, staged: Staged, save: Save) -> Staged:
        """Make the container and see it FINISHED. The platform fetches the URL: it is checked before, and after."""
        if not staged.get("container"):
            params = _params(item)
            quota.check(account)
            approved_media.verify_media_hash(item)
            said = client.post_unpublished(account, f"{account.platform_id}/media", params)
            if not (container := get_id(said)):
                raise Transient("The platform made a container and named no id")
            staged = {"kind": "container", "container": container, "ready": False}
            save(staged)
        if staged.get("ready"):
            return staged
        _await(account, staged["container"])
        approved_media.verify_media_hash(item)
        staged = {**staged, "ready": True}
        save(staged)
        return staged

    def commit(self, account: Account, item: PostPayload, staged: Staged) -> str:
        del item
        container = staged.get("container")
        if not container:
            raise RestageRequired("There is no container")
        refused: NotReady | RestageRequired
        try:
            said = client.post_public(account, f"{account.platform_id}/media_publish", {"creation_id": container})
        except (NotReady, RestageRequired) as error:
            refused = error
        else:
            if media := get_id(said):
                return media
            raise Ambiguous("The platform accepted the post and named no id")
        raise _why(account, container, refused)

    def find(
        self, account: Account, item: PostPayload, staged: Staged, *, since: datetime, claimed: Collection[str]
    ) -> LookupResult:
        container = staged.get("container")
        if not container:
            return LookupResult(LookupStatus.NOT_FOUND)
        try:
            status = _status(account, container)[0]
        except GraphError:
            # 100/33 included: valid containers were denied for a day in May 2026.
            return LookupResult(LookupStatus.UNKNOWN)
        if status == "IN_PROGRESS":
            return LookupResult(LookupStatus.PROCESSING)
        try:
            matches = _matches(account, item, since=since, claimed=claimed)
        except GraphError:
            return LookupResult(LookupStatus.PUBLISHED if status == "PUBLISHED" else LookupStatus.UNKNOWN)
        return _finding(status, matches, item)

    def discard(self, account: Account, staged: Staged) -> None:
        """Do nothing: containers cannot be deleted; they are invisible and expire by themselves."""
        del account, staged

    def permalink(self, account: Account, post_id: str) -> str | None:
        return read_address(account, post_id, "permalink")


def _params(item: PostPayload) -> dict[str, str]:
    """Return what makes the container. A single video is a REELS: VIDEO is for a carousel's children only."""
    video = item.media_type == "VIDEO"
    address = {"video_url" if video else "image_url": item.media or ""}
    match item.type, item.media_type if item.media else None:
        case "POST", "IMAGE":
            return {**address, "caption": item.caption}
        case "POST" | "REEL", "VIDEO":
            return {**address, "media_type": "REELS", "caption": item.caption}
        case "STORY", "IMAGE" | "VIDEO":
            return {**address, "media_type": "STORIES"}
        case _:
            raise InvalidRequest(f"Instagram takes no {item.type} of this media")


def _status(account: Account, container: str) -> tuple[str, str]:
    said = client.get(account, container, fields="status_code,status")
    return str(said.get("status_code") or ""), str(said.get("status") or "")


def _await(account: Account, container: str) -> None:
    """Return when the container is FINISHED, or was used. Raises NotReady, StageAgain, or what its status names."""
    code, text = _status(account, container)
    if code in {"FINISHED", "PUBLISHED"}:
        return
    if code == "EXPIRED":
        raise RestageRequired("The container has expired")
    if code != "ERROR":
        raise NotReady("Instagram is still processing the media")
    number, subcode, row = error_codes.from_container_status(text)
    kind = row.kind if row and issubclass(row.kind, InvalidRequest) else RestageRequired
    meaning = row.meaning if row else "Instagram could not process the media"
    raise kind(meaning, code=number, subcode=subcode)


def _why(account: Account, container: str, refused: NotReady | RestageRequired) -> GraphError:
    """Return what a refused publish really means: a used container is refused in the words of one that never was."""
    told = {"code": refused.code, "subcode": refused.subcode}
    try:
        code = _status(account, container)[0]
    except GraphError:
        code = ""
    if isinstance(refused, NotReady) and code != "PUBLISHED":
        return refused
    if code in {"ERROR", "EXPIRED"}:
        return RestageRequired(str(refused), **told, trace=refused.trace)
    if code in {"FINISHED", "IN_PROGRESS"}:
        return NotReady("Instagram does not know its own container yet", **told, trace=refused.trace)
    return Ambiguous(f"{refused} It may have been published before", **told, trace=refused.trace)


def _finding(status: str, matches: list[str], item: PostPayload) -> LookupResult:
    """Return what the container's status and the listing say together."""
    if status == "PUBLISHED":
        return LookupResult(LookupStatus.PUBLISHED, matches[0] if len(matches) == 1 else "")
    if status not in {"FINISHED", "ERROR", "EXPIRED"}:
        return LookupResult(LookupStatus.UNKNOWN)
    if not matches:
        return LookupResult(LookupStatus.NOT_FOUND)
    # The listing contradicts the status. A caption can settle it; a story has none, and may be somebody else's.
    certain = len(matches) == 1 and item.type != "STORY" and item.caption.strip()
    return LookupResult(LookupStatus.PUBLISHED, matches[0]) if certain else LookupResult(LookupStatus.UNKNOWN)


def _matches(account: Account, item: PostPayload, *, since: datetime, claimed: Collection[str]) -> list[str]:
    """Return the ids of what the account shows that can be this item: by time, kind and caption, not claimed."""
    story = item.type == "STORY"
    product = "STORY" if story else "REELS" if item.media_type == "VIDEO" else "FEED"
    edge = "stories" if story else "media"
    return [
        get_id(entry)
        for entry in iter_recent(account, edge, FIELDS, since=since, stamp="timestamp")
        if entry.get("media_product_type") == product
        and (story or same_text(entry.get("caption"), item.caption))
        and get_id(entry) not in claimed
    ]
