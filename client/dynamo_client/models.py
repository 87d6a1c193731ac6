"""The results of calls, as dataclasses whose fields are named as the API's, in snake_case.

Values that the server does not know are None. Fields that this version does not know are left out.
"""

import re
import types
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

from dynamo_client.exceptions import UnexpectedResponse, Violation

T = TypeVar("T")


@dataclass(frozen=True)
class Organization:
    id: str
    name: str
    role: str


@dataclass(frozen=True)
class Quota:
    """Posts that the platform accepts; `resets_at` is when the next place is free."""

    used: int | None = None
    total: int | None = None
    resets_at: datetime | None = None


@dataclass(frozen=True)
class Channel:
    """A connected Page or account. `state`, `capabilities` and `quota` are None in lists."""

    id: str
    type: str
    name: str
    state: str | None = None
    capabilities: dict[str, Any] | None = None
    quota: Quota | None = None


@dataclass(frozen=True)
class Actor:
    """Who did something: `kind` is API_KEY or USER."""

    kind: str
    id: str
    name: str | None = None


@dataclass(frozen=True)
class OutcomeError:
    code: str
    message: str


@dataclass(frozen=True)
class Outcome:
    """The result on one channel: `state` is PENDING, STAGED, PUBLISHED, FAILED or UNKNOWN."""

    state: str
    post_id: str | None = None
    permalink: str | None = None
    published_at: datetime | None = None
    error: OutcomeError | None = None


@dataclass(frozen=True)
class ChannelContent:
    """The text on one channel, and its outcome once publishing has begun."""

    medium_type: str
    caption: str | None = None
    superpower: dict[str, Any] | None = None
    outcome: Outcome | None = None


@dataclass(frozen=True)
class MediaItem:
    url: str
    media_type: str | None = None
    alt_text: str | None = None


@dataclass(frozen=True)
class Review:
    """The last decision of a person: `decision` is APPROVED or REJECTED."""

    decision: str
    by: Actor | None = None
    at: datetime | None = None
    version: int | None = None
    notes: str | None = None
    corrected_by: Actor | None = None


@dataclass(frozen=True)
class Check:
    """What the reviewer is shown: `severity` is BLOCKER, WARNING, PASSED or PENDING."""

    code: str
    severity: str
    message: str
    channel_id: str | None = None


@dataclass(frozen=True)
class ScheduledPost:
    """A scheduled post. `version` counts changes of its content: pass it to calls that change the post."""

    id: str
    status: str
    version: int
    org_id: str | None = None
    type: str | None = None
    media: str | None = None
    media_type: str | None = None
    media_items: list[MediaItem] | None = None
    alt_text: str | None = None
    is_ai_generated: bool | None = None
    scheduled_for: datetime | None = None
    task_id: str | None = None
    mediums_data: dict[str, ChannelContent] = field(default_factory=dict)
    notes: str | None = None
    brief: str | None = None
    created_by: Actor | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    updated_by: Actor | None = None
    review: Review | None = None
    checks: list[Check] | None = None
    external_id: str | None = None
    metadata: dict[str, str] | None = None


@dataclass(frozen=True)
class Validation:
    """The result of validating content without storing it. `media_checked`: whether stored media was inspected."""

    valid: bool
    violations: list[Violation] = field(default_factory=list)
    warnings: list[Check] = field(default_factory=list)
    media_checked: bool = False


@dataclass(frozen=True)
class Media:
    """An uploaded file: `url` is what `media` and `media_items` take."""

    id: str
    url: str
    media_type: str | None = None
    sha256: str | None = None
    bytes: int | None = None
    width: int | None = None
    height: int | None = None
    duration_seconds: float | None = None


@dataclass(frozen=True)
class Metrics:
    likes: int | None = None
    comments: int | None = None
    shares: int | None = None
    reactions: dict[str, int] | None = None


@dataclass(frozen=True)
class PublishedPost:
    """A post that is live on a channel. `scheduled_post_id` is None for a post that Dynamo did not publish."""

    id: str
    medium_id: str
    medium_type: str
    type: str | None = None
    caption: str | None = None
    media_url: str | None = None
    media_type: str | None = None
    thumbnail_url: str | None = None
    permalink: str | None = None
    published_at: datetime | None = None
    metrics: Metrics | None = None
    superpower: dict[str, Any] | None = None
    scheduled_post_id: str | None = None


@dataclass(frozen=True)
class Insight:
    name: str
    period: str | None = None
    title: str | None = None
    description: str | None = None
    value: Any = None


@dataclass(frozen=True)
class UnavailableInsight:
    name: str
    reason: str


@dataclass(frozen=True)
class Insights:
    """The platform's figures now. A figure in `unavailable` is unknown, not zero."""

    post_id: str
    medium_id: str
    insights: list[Insight] = field(default_factory=list)
    unavailable: list[UnavailableInsight] = field(default_factory=list)
    fetched_at: datetime | None = None


@dataclass(frozen=True)
class Author:
    id: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class Comment:
    id: str
    parent_id: str | None = None
    text: str | None = None
    created_at: datetime | None = None
    author: Author | None = None
    likes: int | None = None
    replies: int | None = None
    hidden: bool | None = None


@dataclass(frozen=True)
class CommentExport:
    total_count: int
    csv_url: str


@dataclass(frozen=True)
class Event:
    """Something that happened, with the post as it was then. Events and the bodies of webhooks are the same objects."""

    id: str
    type: str
    occurred_at: datetime | None = None
    organization_id: str | None = None
    actor: Actor | None = None
    post: ScheduledPost | None = None
    channel: Channel | None = None
    review: Review | None = None


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list. `next_cursor` is None after the last page; of events there is always one."""

    items: list[T]
    next_cursor: str | None


def decode(kind: Any, value: Any) -> Any:
    """Return a JSON value as `kind`: a dataclass, a datetime, a list, a dict or a plain value. Null is None.

    Library: msgspec. Why not: its fast path is for its own classes, not for dataclasses, and the package stays pure
    Python. Look again when it has to validate. Raises UnexpectedResponse when a required field is missing.
    """
    try:
        return _decode(kind, value)
    except (TypeError, ValueError, AttributeError) as error:
        name = getattr(kind, "__name__", kind)
        raise UnexpectedResponse(f"The response is not a {name} of Dynamo's API: {error}") from error


def _decode(kind: Any, value: Any) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if value is None:
        result = None
    elif origin in {types.UnionType, Union}:
        kinds = [argument for argument in arguments if argument is not type(None)]
        result = _decode(kinds[0], value) if len(kinds) == 1 else value
    elif origin is list:
        result = [_decode(arguments[0], item) for item in value]
    elif origin is dict:
        result = {key: _decode(arguments[1], item) for key, item in value.items()}
    elif origin is tuple:
        result = tuple(value)
    elif kind is datetime:
        result = datetime.fromisoformat(value)
    elif isinstance(kind, type) and is_dataclass(kind):
        given = {name: _decode(hint, value[wire]) for name, wire, hint in _fields(kind) if wire in value}
        result = kind(**given)
    else:
        result = value
    return result


@cache
def _fields(kind: type[Any]) -> list[tuple[str, str, Any]]:
    """Return name, name on the wire and type of each field of a dataclass."""
    hints = get_type_hints(kind)
    return [(item.name, camel_case(item.name), hints[item.name]) for item in fields(kind)]


def camel_case(name: str) -> str:
    """Return the name of a field on the wire."""
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)


def encode(value: Any) -> Any:
    """Return a value as JSON: times in UTC, dataclasses without what is None. Raises ValueError for a naive time."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("A time needs a time zone, for example datetime.now(UTC)")
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if is_dataclass(value) and not isinstance(value, type):
        given = {item.name: getattr(value, item.name) for item in fields(value)}
        return {camel_case(name): encode(item) for name, item in given.items() if item is not None}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    if isinstance(value, Mapping):
        return {key: encode(item) for key, item in value.items()}
    return value
