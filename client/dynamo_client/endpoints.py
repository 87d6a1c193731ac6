"""The calls of the API. Each function builds one call; the clients send it and have a method of the same name.

There is no call that approves or publishes: people do that, in the admin.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Generic, TypedDict, TypeVar, Unpack
from urllib.parse import parse_qs, quote, urlsplit
from uuid import uuid4

import httpx2

from dynamo_client.exceptions import UnexpectedResponse
from dynamo_client.models import (
    Channel,
    Comment,
    CommentExport,
    Event,
    Insights,
    Media,
    MediaItem,
    Organization,
    Page,
    PublishedPost,
    ScheduledPost,
    Validation,
    camel_case,
    decode,
    encode,
)

T = TypeVar("T")
ChannelText = str | Mapping[str, Any]


class Content(TypedDict, total=False):
    """What a scheduled post can have. All of it is optional on a draft.

    `channels` maps channel ids to a caption, or to the API's object with `caption` and `superpower`. `scheduled_for` is
    a datetime with a time zone, or ISO 8601 with an offset. `media` is a public URL, or one of `upload_media`.
    An empty `metadata` removes what the post has.
    """

    type: str
    media: str | None
    media_type: str | None
    media_items: Sequence[MediaItem | Mapping[str, Any]] | None
    alt_text: str | None
    is_ai_generated: bool
    scheduled_for: datetime | str | None
    channels: Mapping[str, ChannelText]
    brief: str | None
    external_id: str | None
    metadata: Mapping[str, str]


@dataclass(frozen=True)
class Call(Generic[T]):
    """One logical call: all its attempts carry the same headers, the Idempotency-Key among them."""

    method: str
    path: str
    decode: Callable[[httpx2.Response], T]
    params: Mapping[str, Any] = field(default_factory=dict)
    json: Any = None
    file: Path | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_repeatable(self) -> bool:
        """Whether a second request has no second effect."""
        return self.method == "GET" or "Idempotency-Key" in self.headers


@dataclass(frozen=True)
class ListCall(Call[Page[T]]):
    """A call whose list has pages: `cursor` names the parameter that asks for the next one."""

    cursor: str = "cursor"

    def after(self, cursor: str) -> "ListCall[T]":
        """Return the call for the page after `cursor`."""
        return replace(self, params={**self.params, self.cursor: cursor})


# Organization and channels


def get_organization() -> Call[Organization]:
    """Return the organization that the key belongs to."""

    def only(response: httpx2.Response) -> Organization:
        organizations = _json(response)
        if not isinstance(organizations, list) or len(organizations) != 1:
            raise UnexpectedResponse("The response does not name one organization")
        return decode(Organization, organizations[0])  # type: ignore[no-any-return]

    return Call("GET", "/organizations", only)


def list_channels() -> ListCall[Channel]:
    """List the connected channels that the key may use."""
    return _list("/channels", Channel)


def get_channel(channel_id: str) -> Call[Channel]:
    """Return a channel with its state, the limits of its platform and what is left of its quota."""
    return _get(_path("channels", channel_id), Channel)


def list_superpowers() -> ListCall[dict[str, Any]]:
    """List the organization's templates of superpowers, as the API's objects."""
    return _list("/superpowers", dict[str, Any])


# Scheduled posts


def validate(**content: Unpack[Content]) -> Call[Validation]:
    """Validate content for publishing, without storing it."""
    return _post("/scheduled-posts/validate", Validation, json=_body(content))


def create_draft(
    *, submit: bool = False, idempotency_key: str | None = None, **content: Unpack[Content]
) -> Call[ScheduledPost]:
    """Create a draft, which may lack anything. With `submit` it is submitted at once and must be complete.

    Pass an `idempotency_key` of your own to repeat the call after a restart of your program.
    """
    body = _body(content)
    if submit:
        body["status"] = "WAITING_FOR_APPROVAL"
    return _post("/scheduled-posts", ScheduledPost, json=body, idempotency_key=idempotency_key)


def list_scheduled_posts(
    *,
    status: Sequence[str] = (),
    channel_id: str | None = None,
    from_: datetime | str | None = None,
    to: datetime | str | None = None,
    updated_since: datetime | str | None = None,
    external_id: str | None = None,
    q: str | None = None,
    page_size: int | None = None,
) -> ListCall[ScheduledPost]:
    """List scheduled posts, the soonest first. Without `status`: all that are not yet published."""
    params = {
        "status": ",".join(status) or None,
        "channelId": channel_id,
        "from": from_,
        "to": to,
        "updatedSince": updated_since,
        "externalId": external_id,
        "q": q,
        "limit": page_size,
    }
    return _list("/scheduled-posts", ScheduledPost, params)


def get_scheduled_post(post_id: str) -> Call[ScheduledPost]:
    """Return a scheduled post, with the last review and the checks that the reviewer sees."""
    return _get(_path("scheduled-posts", post_id), ScheduledPost)


def update_draft(
    post_id: str, *, version: int | None, redraft: bool = False, **content: Unpack[Content]
) -> Call[ScheduledPost]:
    """Change the fields that are passed; `channels` replaces the whole map.

    Raises StaleVersion when the post is no longer at `version`: read it again, a person may have changed it. None
    overwrites any version. `redraft` returns a rejected post to draft.
    """
    body = _body(content)
    if redraft:
        body["status"] = "DRAFT"
    return Call("PATCH", _path("scheduled-posts", post_id), _decoder(ScheduledPost), json=body, headers=_match(version))


def delete_scheduled_post(post_id: str, *, version: int | None = None, reason: str | None = None) -> Call[None]:
    """Delete a post. Of a scheduled one its task is cancelled, and its approver is notified with the `reason`."""
    body = {"reason": reason} if reason is not None else None
    return Call("DELETE", _path("scheduled-posts", post_id), _nothing, json=body, headers=_match(version))


def submit_for_approval(
    post_id: str, *, version: int | None = None, idempotency_key: str | None = None
) -> Call[ScheduledPost]:
    """Submit a draft or a rejected post to the reviewers. It must pass the full publish validation."""
    return _transition(post_id, "submit-for-approval", None, version, idempotency_key)


def reject(
    post_id: str, notes: str, *, version: int | None = None, idempotency_key: str | None = None
) -> Call[ScheduledPost]:
    """Return a waiting post to its author, with notes."""
    return _transition(post_id, "reject", {"notes": notes}, version, idempotency_key)


def revert(
    post_id: str, *, reason: str | None = None, version: int | None = None, idempotency_key: str | None = None
) -> Call[ScheduledPost]:
    """Return a scheduled post to draft: its approval is void. Its approver is notified with the `reason`."""
    body = {"reason": reason} if reason is not None else None
    return _transition(post_id, "revert", body, version, idempotency_key)


def upload_media(media: Path | str, *, idempotency_key: str | None = None) -> Call[Media]:
    """Store an image or a video: a Path is uploaded, a text is a URL that the server fetches."""
    if isinstance(media, str):
        return _post("/media", Media, json={"url": media}, idempotency_key=idempotency_key)
    return _post("/media", Media, file=media, idempotency_key=idempotency_key)


# Published posts


def list_published_posts(
    *,
    medium_id: str | None = None,
    type: str | None = None,  # noqa: A002  the API's name
    start_date: date | datetime | str | None = None,
    end_date: date | datetime | str | None = None,
    page_size: int | None = None,
) -> ListCall[PublishedPost]:
    """List what is live, the newest first. A date is the whole day in UTC; both ends are included."""
    params = {
        "mediumId": medium_id,
        "type": type,
        "startDate": start_date,
        "endDate": end_date,
        "limit": page_size,
    }
    return _list("/posts", PublishedPost, params)


def get_published_post(post_id: str, medium_id: str) -> Call[PublishedPost]:
    """Return a published post of a channel."""
    return _get(_path("posts", post_id), PublishedPost, {"mediumId": medium_id})


def get_insights(post_id: str, medium_id: str) -> Call[Insights]:
    """Read the figures of a published post from the platform."""
    return _get(_path("posts", post_id, "insights"), Insights, {"mediumId": medium_id})


def list_comments(post_id: str, medium_id: str, *, page_size: int | None = None) -> ListCall[Comment]:
    """Read the comments of a published post from the platform."""
    params = _params({"mediumId": medium_id, "limit": page_size})
    return ListCall("GET", _path("posts", post_id, "comments"), _object_page(Comment), params, cursor="after")


def export_comments_to_url(post_id: str, medium_id: str) -> Call[CommentExport]:
    """Have the server store all comments as CSV, and return a signed link to the file that expires."""
    return _get(
        _path("posts", post_id, "comments", "export"), CommentExport, {"mediumId": medium_id, "delivery": "url"}
    )


def comments_csv(post_id: str, medium_id: str) -> Call[None]:
    """Build the call whose response is the CSV file."""
    path = _path("posts", post_id, "comments", "export")
    return Call("GET", path, _nothing, {"mediumId": medium_id}, headers={"Accept": "text/csv"})


# Events


def list_events(*, after: str | None = None, types: Sequence[str] = (), limit: int | None = None) -> Call[Page[Event]]:
    """Return the events after a cursor, and the cursor to continue from, which is valid for 30 days."""
    params = _params({"after": after, "types": ",".join(types) or None, "limit": limit})
    return Call("GET", "/events", _object_page(Event), params)


def _path(*parts: str) -> str:
    return "".join(f"/{quote(part, safe='')}" for part in parts)


def _params(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that are given; times as the API writes them, dates as days."""
    given = {name: encode(value) for name, value in params.items() if value is not None}
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in given.items()}


def _match(version: int | None) -> dict[str, str]:
    return {} if version is None else {"If-Match": f'"{version}"'}


def _body(content: Content) -> dict[str, Any]:
    body = {camel_case(name): encode(value) for name, value in content.items()}
    if "channels" in body:
        body["channels"] = {name: _channel_text(name, text) for name, text in body["channels"].items()}
    return body


def _channel_text(channel_id: str, text: ChannelText) -> dict[str, Any]:
    """Return a channel's object. Its type is the channel id without the platform's id."""
    given = {"caption": text} if isinstance(text, str) else dict(text)
    return {"mediumType": channel_id.rpartition("_")[0], **given}


def _get(path: str, kind: type[T], params: Mapping[str, Any] | None = None) -> Call[T]:
    return Call("GET", path, _decoder(kind), _params(params or {}))


def _post(
    path: str,
    kind: type[T],
    *,
    json: Any = None,
    file: Path | None = None,
    headers: Mapping[str, str] | None = None,
    idempotency_key: str | None = None,
) -> Call[T]:
    headers = {**(headers or {}), "Idempotency-Key": idempotency_key or str(uuid4())}
    return Call("POST", path, _decoder(kind), json=json, file=file, headers=headers)


def _transition(
    post_id: str, action: str, body: Any, version: int | None, idempotency_key: str | None
) -> Call[ScheduledPost]:
    path = _path("scheduled-posts", post_id, action)
    return _post(path, ScheduledPost, json=body, headers=_match(version), idempotency_key=idempotency_key)


def _list(path: str, kind: type[T], params: Mapping[str, Any] | None = None) -> ListCall[T]:
    decoder = _decoder(list[kind])  # type: ignore[valid-type]

    def page(response: httpx2.Response) -> Page[T]:
        return Page(decoder(response), _next_cursor(response))

    return ListCall("GET", path, page, _params(params or {}))


def _next_cursor(response: httpx2.Response) -> str | None:
    """Return the cursor of the next page. Of the Link header only the cursor is used, never its host."""
    if cursor := response.headers.get("x-next-cursor"):
        return str(cursor)
    link = response.links.get("next", {}).get("url", "")
    return next(iter(parse_qs(urlsplit(link).query).get("cursor", [])), None)


def _object_page(kind: type[T]) -> Callable[[httpx2.Response], Page[T]]:
    """Return the decoder of a page that is an object with `items` and `nextCursor`."""

    def page(response: httpx2.Response) -> Page[T]:
        body = _json(response)
        if not isinstance(body, dict) or "items" not in body:
            raise UnexpectedResponse("The response is not a page of Dynamo's API")
        return Page(decode(list[kind], body["items"]), body.get("nextCursor"))  # type: ignore[valid-type]

    return page


def _decoder(kind: type[T]) -> Callable[[httpx2.Response], T]:
    return lambda response: decode(kind, _json(response))


def _json(response: httpx2.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        raise UnexpectedResponse("The response is not JSON: is this the address of Dynamo's API?") from None


def _nothing(_response: httpx2.Response) -> None:
    return None
