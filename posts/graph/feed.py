"""Reads what an account has published, page by page, for our copies. Facts: graph-api, section 4.

Every edge is newest first; cursors are opaque and may become invalid. A field that the platform does not know fails
the whole read, so the fields are requested in groups that can be dropped.

Facebook: `published_posts` lists the Page's posts without reels. `video_reels` lists these as Video nodes, which have
no counters: they are read from the reel's post, one call each. The number of reactions is on the post, their types only
in an insight, because the platform refuses new apps the field aliases that several totals in one call would need.
Instagram: `media` lists the newest 10,000, without stories; `stories` those of the last day. A reel's `media_type` is
VIDEO; only `media_product_type` distinguishes it. Instagram has no reactions.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from accounts import clock
from posts.graph import client
from posts.graph.account import Account
from posts.graph.errors import CursorLost, GraphError, InvalidRequest, NotFound, PermissionDenied, Transient
from posts.graph.parsing import (
    ImportedPost,
    address,
    count,
    dig,
    full_id,
    has_next,
    items,
    metric_value,
    parse_graph_time,
    parse_id,
    text,
)  # fmt: skip

Before = Callable[[], None]
Node = Mapping[str, Any]
# The names of refused fields in the platform's messages: of 100 and of 12.
NAMED = re.compile(r"nonexisting field \((?P<unknown>\w+)\)|\(#12\) (?P<removed>\w+)(?: field)? is deprecated")
READ_PEOPLE, READ_INSIGHTS = "pages_read_user_content", "read_insights"


class FieldGroup(NamedTuple):
    """Fields that are requested or dropped together, and the `columns` that are unknown without them.

    `permission` is what they require beside the permission to read posts.
    """

    name: str
    fields: str
    columns: tuple[str, ...] = ()
    permission: str = ""


def missing_columns(groups: Sequence[FieldGroup], without: Collection[str]) -> set[str]:
    return {column for group in groups if group.name in without for column in group.columns}


class FieldSelection:
    """The groups that a request asks for: all but those named in `without`. The first group is never dropped."""

    def __init__(self, groups: Sequence[FieldGroup], without: Collection[str]) -> None:
        self.groups, self.without = groups, set(without)
        self._refused = set(without)  # for certain; `without` has the groups of the current trial as well
        insights, people = self._requiring(READ_INSIGHTS), self._requiring(READ_PEOPLE)
        self._trials = [insights, people, insights | people]

    def _requiring(self, permission: str) -> set[str]:
        return {group.name for group in self.groups[1:] if group.permission == permission}

    def fields(self) -> str:
        return ",".join(group.fields for group in self.groups if group.name not in self.without)

    def narrow(self, error: InvalidRequest | PermissionDenied, *, guess: bool = True) -> bool:
        """Drop what the platform refused; return False when nothing is left to drop.

        A field that the error names drops its group alone. Any other refusal drops the groups that require a permission
        of their own, one permission after the other, because the platform does not reliably name what it refuses; an
        invalid request finally drops all groups. Without `guess` only a named field is dropped for an invalid request.
        """
        field = NAMED.search(error.platform_message)
        name = field["unknown"] or field["removed"] if field else ""
        left = [group for group in self.groups[1:] if group.name not in self.without]
        if named := {group.name for group in left if name and re.search(rf"\b{name}\b", group.fields)}:
            self._refused |= named
            self.without |= named
            return True
        if isinstance(error, InvalidRequest):
            if not guess:
                return False
            self._trials.append({group.name for group in self.groups[1:]})
        while self._trials:
            trial = self._refused | self._trials.pop(0)
            if trial not in (self._refused, self.without):
                self.without = trial
                return True
        return False


def get_node(
    account: Account,
    node_id: str,
    groups: Sequence[FieldGroup],
    without: Collection[str],
    before: Before = lambda: None,
) -> tuple[dict[str, Any], set[str]]:
    """Return the fields of one object, and the groups that were dropped. `before` is called ahead of each call."""
    selection = FieldSelection(groups, without)
    while True:
        before()
        try:
            return client.get(account, node_id, fields=selection.fields()), selection.without
        except (InvalidRequest, PermissionDenied) as error:
            if not selection.narrow(error):
                raise


REACTIONS_BY_TYPE = "post_reactions_by_type_total"
COUNTERS = (
    FieldGroup("shares", "shares", ("shares",)),
    FieldGroup("comments", "comments.filter(stream).limit(0).summary(true)", ("comments",), READ_PEOPLE),
    FieldGroup("reactions_total", "reactions.limit(0).summary(total_count)", ("reactions_total",), READ_PEOPLE),
    FieldGroup("reactions_by_type", f"insights.metric({REACTIONS_BY_TYPE})", ("likes", "reactions"), READ_INSIGHTS),
)
FACEBOOK_POST = (
    FieldGroup("post", "id,created_time,message"),
    FieldGroup("from", "from{id}"),
    FieldGroup("is_published", "is_published"),
    FieldGroup("is_expired", "is_expired"),
    FieldGroup("permalink_url", "permalink_url", ("permalink",)),
    FieldGroup("full_picture", "full_picture"),
    FieldGroup("picture", "picture"),
    FieldGroup(
        "attachments",
        "attachments{media_type,type,media{image{src},source},subattachments{media_type}}",
        ("media_type", "media_url", "thumbnail_url"),
    ),
    *COUNTERS,
)
FACEBOOK_REEL = (
    FieldGroup("reel", "id,created_time,description"),
    FieldGroup("post_id", "post_id"),
    FieldGroup("published", "published"),
    FieldGroup("permalink_url", "permalink_url", ("permalink",)),
    FieldGroup("source", "source", ("media_url",)),
    FieldGroup("picture", "picture", ("thumbnail_url",)),
)
# By `media_type` of the attachment, or by its `type` where the platform returns only that.
FACEBOOK_MEDIA_TYPES = {
    "photo": "IMAGE", "cover_photo": "IMAGE", "profile_media": "IMAGE", "sticker": "IMAGE",
    "album": "CAROUSEL", "new_album": "CAROUSEL",
    "video": "VIDEO", "video_inline": "VIDEO", "video_autoplay": "VIDEO", "video_direct_response": "VIDEO",
    "video_direct_response_autoplay": "VIDEO", "native_templates_video": "VIDEO", "animated_image_video": "VIDEO",
    "animated_image_video_autoplay": "VIDEO",
}  # fmt: skip
# The insight has other names for two types than the rest of the platform.
REACTION_NAMES = {"sorry": "sad", "anger": "angry"}


def facebook_post(account: Account, node: Node, without: Collection[str], _before: Before) -> ImportedPost | None:
    """Return a post of `published_posts`, None for one that the Page did not write or that is not visible."""
    author = parse_id(dig(node, "from", "id"))
    hidden = node.get("is_published") is False or node.get("is_expired") is True
    published_at, post_id = parse_graph_time(node.get("created_time")), parse_id(node.get("id"))
    if hidden or (author and author != account.platform_id) or published_at is None or not post_id:
        return None
    values = {
        "type": "POST",
        "caption": text(node.get("message")),
        "permalink": address(node.get("permalink_url")),
        **_facebook_media(node),
        **_facebook_counters(node),
    }
    return ImportedPost.without(missing_columns(FACEBOOK_POST, without), post_id, published_at, values)


def facebook_reel(account: Account, node: Node, without: Collection[str], before: Before) -> ImportedPost | None:
    """Return a reel with its counters, which take a call of their own; None while the reel has no post.

    A post that cannot be read leaves the counters unknown. Raises other GraphErrors.
    """
    post_id, published_at = full_id(account, parse_id(node.get("post_id"))), parse_graph_time(node.get("created_time"))
    if node.get("published") is False or published_at is None or not post_id:
        return None
    counters, unknown = _reel_counters(account, post_id, without, before)
    values = {
        "type": "REEL",
        "media_type": "VIDEO",
        "caption": text(node.get("description")),
        "permalink": address(node.get("permalink_url")),
        "media_url": address(node.get("source")),
        "thumbnail_url": address(node.get("picture")),
        **counters,
    }
    return ImportedPost.without(missing_columns(FACEBOOK_REEL, without) | unknown, post_id, published_at, values)


def _reel_counters(
    account: Account, post_id: str, without: Collection[str], before: Before
) -> tuple[dict[str, Any], set[str]]:
    groups = (FieldGroup("id", "id"), *COUNTERS)
    try:
        response, dropped = get_node(account, post_id, groups, without, before)
    except (NotFound, InvalidRequest, PermissionDenied):
        return {}, {column for group in COUNTERS for column in group.columns}
    return _facebook_counters(response), missing_columns(groups, dropped)


def _facebook_media(node: Node) -> dict[str, Any]:
    attachment = (items(node.get("attachments")) or [{}])[0]
    kinds = [text(attachment.get(name)) or "" for name in ("media_type", "type")]
    media_type = next((FACEBOOK_MEDIA_TYPES[kind] for kind in kinds if kind in FACEBOOK_MEDIA_TYPES), "TEXT")
    if "profile_media" in kinds and dig(attachment, "media", "source"):
        media_type = "VIDEO"
    image = address(dig(attachment, "media", "image", "src"))
    large, small = address(node.get("full_picture")), address(node.get("picture"))
    if media_type == "VIDEO":
        return {
            "media_type": media_type,
            "media_url": address(dig(attachment, "media", "source")),
            "thumbnail_url": large or image or small,
        }
    media_url = image or large if media_type != "TEXT" else None
    return {"media_type": media_type, "media_url": media_url, "thumbnail_url": small or large or image}


def _facebook_counters(node: Node) -> dict[str, Any]:
    """Return likes, reactions, comments and shares. Facebook omits `shares` when there are none."""
    by_type = _reactions_by_type(node)
    return {
        "likes": None if by_type is None else by_type.get("like", 0),
        "reactions": by_type,
        "reactions_total": count(dig(node, "reactions", "summary", "total_count")),
        "comments": count(dig(node, "comments", "summary", "total_count")),
        "shares": count(dig(node, "shares", "count")) if "shares" in node else 0,
    }


def _reactions_by_type(node: Node) -> dict[str, int] | None:
    """Return the number of each type that the insight has, also of types unknown here; None without the insight."""
    entries = (entry for entry in items(node.get("insights")) if entry.get("name") == REACTIONS_BY_TYPE)
    by_type = metric_value(next(entries, {}))
    if not isinstance(by_type, dict):
        return None
    counts = {text(name): count(number) for name, number in by_type.items()}
    return {REACTION_NAMES.get(name, name): number for name, number in counts.items() if name and number is not None}


INSTAGRAM_MEDIA = (
    FieldGroup("media", "id,caption,media_type,timestamp"),
    FieldGroup("media_product_type", "media_product_type"),
    FieldGroup("owner", "owner{id}"),
    FieldGroup("permalink", "permalink", ("permalink",)),
    FieldGroup("media_url", "media_url", ("media_url",)),
    FieldGroup("thumbnail_url", "thumbnail_url", ("thumbnail_url",)),
    FieldGroup("children", "children{media_type,media_url}"),
    FieldGroup("like_count", "like_count", ("likes",)),
    FieldGroup("comments_count", "comments_count", ("comments",)),
    FieldGroup("shares_count", "shares_count", ("shares",)),
)
INSTAGRAM_TYPES = {"REELS": "REEL", "STORY": "STORY"}
INSTAGRAM_MEDIA_TYPES = {"IMAGE": "IMAGE", "VIDEO": "VIDEO", "CAROUSEL_ALBUM": "CAROUSEL"}


def instagram_media(account: Account, node: Node, without: Collection[str], _before: Before) -> ImportedPost | None:
    """Return one medium, None for an advertisement and for a medium of another account."""
    product, owner = node.get("media_product_type"), parse_id(dig(node, "owner", "id"))
    published_at, media_id = parse_graph_time(node.get("timestamp")), parse_id(node.get("id"))
    if product == "AD" or (owner and owner != account.platform_id) or published_at is None or not media_id:
        return None
    first = (items(node.get("children")) or [{}])[0]
    values = {
        "type": INSTAGRAM_TYPES.get(str(product), "POST"),
        "caption": text(node.get("caption")),
        "media_type": INSTAGRAM_MEDIA_TYPES.get(str(node.get("media_type"))),
        "media_url": address(node.get("media_url")) or address(first.get("media_url")),
        "thumbnail_url": address(node.get("thumbnail_url")),
        "permalink": address(node.get("permalink")),
        "likes": count(node.get("like_count")),
        "comments": count(node.get("comments_count")),
        "shares": count(node.get("shares_count")),
    }
    unknown = missing_columns(INSTAGRAM_MEDIA, without)
    if "media_product_type" in without:
        unknown.add("type")
    return ImportedPost.without(unknown, media_id, published_at, values)


TOO_MUCH = 1  # the code of "Please reduce the amount of data you're asking for"
SMALLEST = 5
SKEW = timedelta(seconds=60)  # between the platform's clock and ours
MAX_SKEW = timedelta(days=-1)  # more is not believed: older posts may have the same text
PAGES = 5
NO_CURSOR = "The platform announces another page without its cursor"


class Edge(NamedTuple):
    """`size` is the largest page; `stamp` is the field with an item's time."""

    size: int
    stamp: str
    groups: tuple[FieldGroup, ...]
    parse: Callable[[Account, Node, Collection[str], Before], ImportedPost | None]


EDGES: dict[str, dict[str, Edge]] = {
    "FB_PAGE": {
        "published_posts": Edge(100, "created_time", FACEBOOK_POST, facebook_post),
        "video_reels": Edge(10, "created_time", FACEBOOK_REEL, facebook_reel),
    },
    "INSTAGRAM_ACCOUNT": {
        "media": Edge(100, "timestamp", INSTAGRAM_MEDIA, instagram_media),
        "stories": Edge(100, "timestamp", INSTAGRAM_MEDIA, instagram_media),
    },
}


@dataclass(frozen=True)
class FeedPosition:
    """Where a listing continues: after a cursor, or at a time (inclusive) and before. Empty: at its start."""

    after: str = ""
    until: datetime | None = None


@dataclass(frozen=True)
class Page:
    """`oldest` is the time of the last item, whichever account made it; `then` None: this was the last page.

    `lost`: there is another page, and the platform did not return where. `without` and `size` are the dropped field
    groups and the page size for the following requests.
    """

    posts: list[ImportedPost]
    oldest: datetime | None
    then: FeedPosition | None
    without: frozenset[str]
    size: int
    lost: bool = False

    def check_complete(self) -> None:
        """Raise CursorLost when the rest of the listing cannot be read: what it lacks is not proved absent."""
        if self.lost:
            raise CursorLost(NO_CURSOR)


def read_page(
    account: Account,
    name: str,
    position: FeedPosition,
    *,
    reached: datetime | None = None,
    without: Collection[str] = (),
    size: int | None = None,
    before: Before = lambda: None,
) -> Page:
    """Return the page at `position` of the edge `name`. `before` is called ahead of each call. Raises GraphErrors.

    A refused request is repeated without the unknown field, with fewer items, or, after an invalid cursor, from the
    time `reached` so far.
    """
    edge = EDGES[account.type][name]
    selection = FieldSelection(edge.groups, without)
    size = min(size or edge.size, edge.size)
    while True:
        before()
        try:
            response = _request(account, name, selection.fields(), position, size)
        except Transient as error:
            if error.code != TOO_MUCH or size <= SMALLEST:
                raise
            size = max(SMALLEST, size // 2)
        except (InvalidRequest, PermissionDenied) as error:
            suspect = position.after and reached is not None and isinstance(error, InvalidRequest)
            if selection.narrow(error, guess=not suspect):
                continue
            if not suspect:
                raise
            position = FeedPosition(until=reached)
        else:
            if items(response) or not position.after or reached is None:
                return _page(account, edge, response, position, selection.without, size, before)
            # An invalid cursor can return an empty page, as at the end. Only a request by time confirms the end.
            position = FeedPosition(until=reached)


def _request(account: Account, name: str, fields: str, position: FeedPosition, size: int) -> dict[str, Any]:
    params: dict[str, Any] = {"fields": fields, "limit": str(size)}
    if position.until is not None:
        params["until"] = str(int(position.until.timestamp()) + 1)
    if position.after:
        params["after"] = position.after
    return client.get(account, f"{account.platform_id}/{name}", **params)


def _page(
    account: Account,
    edge: Edge,
    response: dict[str, Any],
    position: FeedPosition,
    without: set[str],
    size: int,
    before: Before,
) -> Page:
    nodes = items(response)
    times = [at for at in (parse_graph_time(node.get(edge.stamp)) for node in nodes) if at is not None]
    posts = [post for post in (edge.parse(account, node, without, before) for node in nodes) if post is not None]
    after, more = dig(response, "paging", "cursors", "after"), has_next(response)
    is_new = isinstance(after, str) and after not in {"", position.after}
    return Page(
        posts,
        oldest=times[-1] if times else None,
        then=replace(position, after=after) if more and is_new else None,
        without=frozenset(without),
        size=size,
        lost=more and not is_new,
    )


def fetch_post(account: Account, platform_id: str, *, without: Collection[str] = ()) -> ImportedPost | None:
    """Return the post, None for one that exists and is not visible. NotFound does not mean deleted: errors.UNSEEN."""
    edge = next(iter(EDGES[account.type].values()))
    response, dropped = get_node(account, platform_id, edge.groups, without)
    return edge.parse(account, response, dropped, lambda: None)


def is_reachable(account: Account, node: str) -> bool:
    """Whether the platform returns this node now. False for an existing node: NotFound is not reliable now."""
    try:
        return bool(client.get(account, node, fields="id").get("id"))
    except GraphError:
        return False


def total(account: Account) -> int | None:
    """Return the number of the account's posts: known for Instagram only, without stories."""
    if account.type == "FB_PAGE":
        return None
    try:
        return count(client.get(account, account.platform_id, fields="media_count").get("media_count"))
    except GraphError:
        return None


def iter_recent(
    account: Account, edge: str, fields: str, *, since: datetime, stamp: str, until: datetime | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the nodes of an edge, newest first, from `since` on; `stamp` is the field with their time.

    With `until`, nodes that are more than a day newer are left out.
    `since` is by our clock, or by the platform's where that was known then. If the platform's clock is behind ours, the
    window is extended by the difference, so that a fast clock of ours does not hide a post. It is never narrowed.
    Raises GraphErrors, also for more than PAGES pages, for another page without its cursor, and when `since` is in the
    future by both clocks.
    """
    path, oldest = f"{account.platform_id}/{edge}", since - SKEW
    params: dict[str, Any] = {"fields": fields, "limit": "50", "since": str(int(oldest.timestamp()))}
    if until is not None:
        params["until"] = str(int((until - MAX_SKEW).timestamp()))
    response = client.get(account, path, **params)
    if since - clock.now() > SKEW + max(client.clock_skew(), timedelta(0)):
        raise GraphError("The clock was set back since the post was sent")
    if client.clock_skew() < -SKEW / 2:
        oldest += max(client.clock_skew(), MAX_SKEW)
        params["since"] = str(int(oldest.timestamp()))
        response = client.get(account, path, **params)
    for page in range(PAGES):
        if page:
            response = client.get(account, path, **params)
        for node in items(response):
            at = parse_graph_time(node.get(stamp))
            # Times are whole seconds. A node without a readable time is yielded: callers compare other fields too.
            if at is None or at >= oldest.replace(microsecond=0):
                yield node
        after = dig(response, "paging", "cursors", "after")
        if not has_next(response):
            return
        if not isinstance(after, str) or after in {"", params.get("after")}:
            raise CursorLost(NO_CURSOR)
        params["after"] = after
    raise GraphError("The account has too many recent posts to search")


def same_text(caption: Any, other: str) -> bool:
    """Whether two captions are equal except for what the platform changes.

    It changes line ends, and drops outer white space, repeated blank lines and control characters.
    """
    return _normalize(str(caption or "")) == _normalize(other)


MENTION = re.compile(r"@\[\d+\]")
LEAST_TEXT = 10  # characters besides the mentions; with fewer, other texts could match


def same_text_with_names(caption: Any, other: str) -> bool:
    """Whether `caption` is the text `other` in which a Page shows a name for each mention, such as @[123]."""
    first, *middle = MENTION.split(_normalize(other))
    shown = _normalize(str(caption or ""))
    if not middle or len(first) + sum(map(len, middle)) < LEAST_TEXT:
        return False
    last = middle.pop()
    at, end = len(first), len(shown) - len(last)
    if not shown.startswith(first) or not shown.endswith(last):
        return False
    for part in middle:
        found = shown.find(part, at + 1, end)  # a name has a character at least, and no end of line
        if found < 0 or "\n" in shown[at:found]:
            return False
        at = found + len(part)
    return at < end and "\n" not in shown[at:end]


def _normalize(text: str) -> str:
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    shown = "".join(letter for letter in text if letter in "\n\t" or unicodedata.category(letter) != "Cc")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in shown.strip().split("\n")))
