"""The Publisher of Facebook Pages: chooses the module that publishes a post by its type and media."""

from collections.abc import Collection
from datetime import datetime

from posts.graph import client
from posts.graph.account import Account
from posts.graph.errors import GraphError, InvalidRequest
from posts.graph.parsing import address
from posts.graph.publishers import facebook_album, facebook_photo, facebook_text, facebook_video
from posts.graph.publishers.base import LookupResult, LookupStatus, PostPayload, PublishMethod, Save, Staged

METHODS: dict[str, PublishMethod] = {
    "none": facebook_text,
    "photo": facebook_photo,
    "album": facebook_album,
    "video": facebook_video,
    "reel": facebook_video,
}


def _kind(post: PostPayload) -> str:
    """Return the key of METHODS. Raises InvalidRequest for a post that a Page does not accept."""
    if post.items:
        if post.type == "POST" and all(item.media_type == "IMAGE" for item in post.items):
            return "album"
        raise InvalidRequest("Of several media, a Facebook Page accepts photos in a post only")
    match post.type, post.media_type if post.media else None:
        case "POST", None:
            return "none"
        case "POST", "IMAGE":
            return "photo"
        case "POST", "VIDEO":
            return "video"
        case "REEL", "VIDEO":
            return "reel"
        case _:
            raise InvalidRequest(f"A Facebook Page does not accept a {post.type} with this media")


class Facebook:
    def stage(self, account: Account, post: PostPayload, staged: Staged, save: Save) -> Staged:
        kind = _kind(post)
        return METHODS[kind].stage(account, post, staged if staged.get("kind") == kind else {}, save)

    def commit(self, account: Account, post: PostPayload, staged: Staged) -> str:
        return METHODS[_kind(post)].commit(account, post, staged)

    def find(
        self, account: Account, post: PostPayload, staged: Staged, *, since: datetime, claimed: Collection[str]
    ) -> LookupResult:
        try:
            method = METHODS[_kind(post)]
        except InvalidRequest:
            return LookupResult(LookupStatus.NOT_FOUND)  # it was never sent
        return method.find(account, post, staged, since=since, claimed=claimed)

    def find_by_content(
        self, account: Account, post: PostPayload, staged: Staged, *, since: datetime, claimed: Collection[str]
    ) -> LookupResult:
        del staged
        try:
            kind = _kind(post)
        except InvalidRequest:
            return LookupResult(LookupStatus.NOT_FOUND)
        if kind == "none":
            return LookupResult(LookupStatus.NOT_FOUND)  # `find` has compared the text and the link
        if kind == "reel":
            return facebook_video.find_reel_by_text(account, post.caption, since=since, claimed=claimed)
        return facebook_text.find_by_text(account, post.caption, since=since, claimed=claimed)

    def find_lost(
        self, account: Account, post: PostPayload, *, since: datetime, until: datetime, claimed: Collection[str]
    ) -> LookupResult:
        try:
            kind = _kind(post)
        except InvalidRequest:
            return LookupResult(LookupStatus.NOT_FOUND)
        if kind == "reel":
            return facebook_video.find_reel_by_text(account, post.caption, since=since, claimed=claimed, until=until)
        link = post.media or "" if kind == "none" else ""
        return facebook_text.find_by_text(account, post.caption, link=link, since=since, claimed=claimed, until=until)

    def find_unpublished(self, account: Account, staged: Staged) -> str:
        method = METHODS.get(staged.get("kind", ""))
        return method.find_unpublished(account, staged) if method else ""

    def delete_unpublished(self, account: Account, object_id: str) -> None:
        client.delete(account, object_id)

    def permalink(self, account: Account, post_id: str) -> str | None:
        return read_address(account, post_id, "permalink_url")


def read_address(account: Account, post_id: str, field: str) -> str | None:
    """Return the URL in this field of a post, None when it cannot be read."""
    try:
        return address(client.get(account, post_id, fields=field).get(field))
    except GraphError:
        return None
