"""What the sandbox stores. Times are seconds since the epoch, ids are strings."""

import zlib
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Account:
    """A Page or an Instagram professional account with its token. `scopes` None means all.

    `page`: the id of the Page that an Instagram account is linked to. The tokens of that Page open the account, too.
    `subscribed`: the fields whose changes are sent to the app's webhook.
    """

    id: str
    type: str  # FB_PAGE | INSTAGRAM_ACCOUNT
    name: str
    token: str = field(repr=False)
    username: str = ""
    scopes: list[str] | None = None
    expired: bool = False
    page: str = ""
    subscribed: list[str] = field(default_factory=list)

    @property
    def is_page(self) -> bool:
        return self.type.startswith("FB")


@dataclass
class Person:
    """A user of the platform. `pages`: the tasks on each Page, by the Page's id.

    `permissions` (granted or declined) and `chosen` (ids of Pages) are the answer in the login dialog.
    """

    id: str
    name: str
    pages: dict[str, list[str]] = field(default_factory=dict)
    permissions: dict[str, str] = field(default_factory=dict)
    chosen: list[str] = field(default_factory=list)

    @property
    def granted(self) -> list[str]:
        return [name for name, status in self.permissions.items() if status == "granted"]


@dataclass
class Token:
    """A token of a person, or of a Page by way of a person. `id` is the token; an expiry of 0 means never."""

    id: str = field(repr=False)
    person: str
    kind: str  # USER | PAGE | SYSTEM_USER
    issued_at: float
    expires_at: float = 0
    data_access_expires_at: float = 0
    account: str = ""  # the Page of a Page's token
    issued: dict[str, str] = field(default_factory=dict, repr=False)  # of a person's token: tokens of Pages by Page

    def has_expired(self, at: float) -> bool:
        return 0 < self.expires_at <= at


@dataclass
class Photo:
    id: str
    account: str
    sha256: str
    caption: str
    width: int
    height: int
    created_at: float
    post: str = ""  # the photo's post; empty while staged
    alt_text: str = ""
    deleted_at: float | None = None


@dataclass
class Video:
    """A Page's video or reel, from upload session to post. `size` is the announced size, or 0."""

    id: str
    account: str
    kind: str  # video | reel
    created_at: float
    session: str = ""
    size: int = 0
    received: int = 0
    sha256: str = ""
    media_url: str = ""
    description: str = ""
    title: str = ""
    ready_at: float = 0
    post: str = ""
    deleted_at: float | None = None


@dataclass
class Container:
    """An Instagram container. `error` is a 2207… code, shown in its status from `ready_at` on."""

    id: str
    account: str
    kind: str  # image | video | reel | story | carousel
    caption: str
    created_at: float
    ready_at: float
    media_type: str
    media_url: str = ""
    sha256: str = ""
    children: list[str] = field(default_factory=list)
    is_child: bool = False
    alt_text: str = ""
    ai_generated: bool = False
    error: str = ""
    polls: int = 0  # reads of the status that still return IN_PROGRESS
    published_as: str = ""


@dataclass(slots=True)
class Post:
    """A Page's post or an Instagram media. Visible from `visible_at` on; None while it is unpublished.

    `foreign` posts were made outside the API; `pictures` is the number of their pictures, at paths that begin with
    `media_url`. With a `slot`, counters and comments are generated from `seed` unless they are set.
    """

    id: str
    account: str
    kind: str  # text | link | photo | album | video | reel | image | story | carousel
    message: str
    created_at: float
    visible_at: float | None
    link: str = ""
    media_url: str = ""
    media_type: str = ""  # Instagram: IMAGE | VIDEO | CAROUSEL_ALBUM
    sha256: str = ""
    photos: list[str] = field(default_factory=list)
    video: str = ""
    container: str = ""
    children: list[str] = field(default_factory=list)
    alt_text: str = ""
    ai_generated: bool = False
    scheduled_for: float | None = None
    updated_at: float = 0
    deleted_at: float | None = None
    is_hidden: bool = False
    is_pinned: bool = False
    created_by: dict[str, Any] = field(default_factory=dict)
    key: str = ""
    foreign: bool = False
    origin: str = "page"  # page | ad | dark | visitor | unpublished | hidden | expired
    author: dict[str, str] = field(default_factory=dict)  # a visitor's id and name; empty: not visible
    story: str = ""
    pictures: int = 0
    seed: int = 0
    slot: int = 0

    @property
    def timestamp(self) -> float:
        """The time of publication; of creation for an unpublished post."""
        return self.visible_at or self.created_at

    def is_visible(self, now: float) -> bool:
        return self.visible_at is not None and self.visible_at <= now and self.deleted_at is None

    def went_live(self, now: float) -> bool:
        """Return whether it was visible at any time up to `now`, deleted or not."""
        if self.visible_at is None or self.visible_at > now:
            return False
        return self.deleted_at is None or self.deleted_at > self.visible_at


@dataclass(slots=True)
class Comment:
    """A comment on a post or, with `parent`, a reply to a comment: two levels, as on both networks.

    `stranger`: the app may not see the author's name. `replies` is the number of replies.
    """

    id: str
    post: str
    account: str
    text: str
    created_at: float
    parent: str = ""
    author_id: str = ""
    author_name: str = ""
    stranger: bool = False
    like_count: int = 0
    replies: int = 0
    hidden: bool = False
    attachment: dict[str, Any] | None = None
    deleted_at: float | None = None


@dataclass
class Audience:
    """Reactions of users to a post. None and empty values are not set: the actual number counts.

    crowd       number of generated comments, `tops` of them on the post itself
    slot        the crowd's number, a part of its comments' ids
    strangers, unreadable   shares of the crowd: without a name; counted but not shown
    deleted     ids of deleted comments
    more_replies            numbers of stored replies to generated comments, by id
    insights    values by metric; None for a metric without data; refused: error codes by metric
    """

    id: str
    post: str
    account: str
    slot: int
    crowd: int = 0
    tops: int = 0
    seed: int = 0
    began: float = 0
    step: float = 0
    texts: list[str] = field(default_factory=list)
    strangers: float = 0.2
    unreadable: float = 0
    deleted: dict[str, int] = field(default_factory=dict)
    more_replies: dict[str, int] = field(default_factory=dict)
    likes: int | None = None
    comments: int | None = None
    shares: int | None = None
    reactions: dict[str, int] = field(default_factory=dict)
    insights: dict[str, Any] = field(default_factory=dict)
    insights_empty: bool = False
    refused: dict[str, int] = field(default_factory=dict)


Node = Account | Person | Token | Photo | Video | Container | Post | Comment | Audience
TABLES: dict[str, type[Node]] = {
    table.__name__: table for table in (Account, Person, Token, Photo, Video, Container, Post, Comment, Audience)
}


FIRST_SLOT = 1_000_000  # lower slots belong to audiences that were set


def new_audience(post: Post, slot: int) -> Audience:
    """Return an empty audience; for a seeded post, of any kind, a generated one."""
    audience = Audience(f"audience:{post.id}", post.id, post.account, slot)
    if post.slot:
        chance = zlib.crc32(f"{post.seed}:{post.slot}".encode())
        audience.seed, audience.began, audience.step = chance, post.timestamp, 60
        audience.crowd = chance % 14 if chance % 3 else 0
        audience.tops = audience.crowd - audience.crowd // 4
        audience.likes = chance // 5 % 400
        audience.shares = chance // 29 % 30 if chance % 2 else 0
        others = {"LOVE": (11, 40), "WOW": (13, 4), "HAHA": (17, 6), "SAD": (19, 2), "ANGRY": (23, 2)}
        audience.reactions = {"LIKE": audience.likes}
        for name, (divisor, limit) in others.items():
            audience.reactions[name] = chance // divisor % limit
    return audience
