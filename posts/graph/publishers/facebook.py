"""A Facebook Page: which way of publishing an item takes."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from posts.graph import client
from posts.graph.account import Account
from posts.graph.errors import GraphError, InvalidRequest
from posts.graph.publishers import facebook_photo, facebook_text, facebook_video
from posts.graph.publishers.base import LookupResult, LookupStatus, PostPayload, Save, Staged


@dataclass(frozen=True)
class _Way:
    stage: Callable[[Account, PostPayload, Staged, Save], Staged]
    commit: Callable[[Account, PostPayload, Staged], str]
    find: Callable[..., LookupResult]
    discard: Callable[[Account, Staged], None]


WAYS = {
    "none": _Way(facebook_text.stage, facebook_text.commit, facebook_text.find, facebook_text.discard),
    "photo": _Way(facebook_photo.stage, facebook_photo.commit, facebook_photo.find, facebook_photo.discard),
    "video": _Way(facebook_video.stage_video, facebook_video.commit_video, facebook_video.find, facebook_video.discard),
    "reel": _Way(facebook_video.stage_reel, facebook_video.commit_reel, facebook_video.find, facebook_video.discard),
}


def _kind(item: PostPayload) -> str:
    """Return the key of the item's way. Raises InvalidRequest for what a Page does not take."""
    match item.type, item.media_type if item.media else None:
        case "POST", None:
            return "none"
        case "POST", "IMAGE":
            return "photo"
        case "POST", "VIDEO":
            return "video"
        case "REEL", "VIDEO":
            return "reel"
        case _:
            raise InvalidRequest(f"A Facebook Page takes no {item.type} of this media")


class Facebook:
    """The Publisher of Facebook Pages."""

    def stage(self, account: Account, item: PostPayload, staged: Staged, save: Save) -> Staged:
        kind = _kind(item)
        return WAYS[kind].stage(account, item, staged if staged.get("kind") == kind else {}, save)

    def commit(self, account: Account, item: PostPayload, staged: Staged) -> str:
        return WAYS[_kind(item)].commit(account, item, staged)

    def find(
        self, account: Account, item: PostPayload, staged: Staged, *, since: datetime, claimed: Collection[str]
    ) -> LookupResult:
        try:
            way = WAYS[_kind(item)]
        except InvalidRequest:
            return LookupResult(LookupStatus.NOT_FOUND)  # what is not taken was never sent
        return way.find(account, item, staged, since=since, claimed=claimed)

    def discard(self, account: Account, staged: Staged) -> None:
        WAYS.get(staged.get("kind", ""), WAYS["none"]).discard(account, staged)

    def permalink(self, account: Account, post_id: str) -> str | None:
        return read_address(account, post_id, "permalink_url")


def read_address(account: Account, post_id: str, field: str) -> str | None:
    """Return the address in this field of a post, None when it cannot be read; a path alone is the platform's own."""
    try:
        address = client.get(account, post_id, fields=field).get(field)
    except GraphError:
        return None
    if not isinstance(address, str) or not address:
        return None
    return f"https://www.facebook.com{address}" if address.startswith("/") else address
