"""Full publish validation: the rules of the contract for every post, then those of each platform.

Runs no query and no request. Limits: graph-api, sections 2 and 3; where its sources differ, the stricter one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts import clock
from accounts.exceptions import Invalid
from scheduling.domain import media_url
from scheduling.models import Delivery, ScheduledPost

FACEBOOK_CAPTION = 63_206  # characters
FACEBOOK_IMAGE_BYTES = 4 * 1024 * 1024  # 100/1366046: "less than 4 MB … JPG, PNG, GIF or TIFF"
FACEBOOK_IMAGES = ("image/jpeg", "image/png", "image/gif", "image/tiff")
INSTAGRAM_CAPTION, INSTAGRAM_HASHTAGS, INSTAGRAM_MENTIONS = 2_200, 30, 20  # 36004/2207010
INSTAGRAM_IMAGE_BYTES = 8 * 1024 * 1024  # 36000/2207004
INSTAGRAM_RATIOS = (4 / 5, 1.91)  # width : height, 36003/2207009; not for stories
INSTAGRAM_VIDEO_BYTES = 300 * 1024 * 1024
HASHTAG, MENTION = re.compile(r"#\w+"), re.compile(r"@[\w.]+")

Path = list[str | int]


@dataclass(frozen=True)
class Violation:
    """One violated rule. `path` starts at the root of the document; `code` is for programs, `message` is a sentence."""

    path: Path
    message: str
    code: str

    def as_wire(self) -> dict[str, Any]:
        """Return the object of the contract's `details`."""
        return {"path": self.path, "message": self.message, "code": self.code}


@dataclass(frozen=True)
class ChannelContent:
    public_id: str
    type: str
    name: str
    caption: str


@dataclass(frozen=True)
class _Media:
    """The post's media. `facts` are those of its inspection: contentType, size, width, height; empty before it."""

    post_type: str
    kind: str | None
    facts: dict[str, Any]


def find_violations(
    *,
    type: str,  # noqa: A002  the contract's word
    media: str | None,
    media_type: str | None,
    scheduled_for: datetime | None,
    channels: list[ChannelContent],
    now: datetime,
    media_metadata: dict[str, Any] | None = None,
    at_once: bool = False,
) -> list[Violation]:
    """Return every violation, in the order in which a person would fix them; empty means publishable.

    `media_metadata` must belong to this `media`; without them only the URL is checked. `at_once`: `scheduled_for` is
    the present time.
    """
    violations = [*_schedule(scheduled_for, now, at_once=at_once), *_media_url(media)]
    if not channels:
        violations.append(Violation(["channels"], "A post needs at least one channel", "channels.empty"))
    item = _Media(type, infer_media_type(media, media_type), media_metadata or {})
    violations += _media_type(item)
    for channel in channels:
        violations += _caption(channel)
        violations += _facebook(channel, item) if channel.type == "FB_PAGE" else _instagram(channel, item)
    return violations


def infer_media_type(media: str | None, media_type: str | None) -> str | None:
    """Return IMAGE or VIDEO: as declared, else by the URL's extension; None without either."""
    return media_type or (media_url.kind_by_extension(media) if media else None)


def _schedule(scheduled_for: datetime | None, now: datetime, *, at_once: bool) -> Iterator[Violation]:
    if scheduled_for is None:
        yield Violation(["scheduledFor"], "A post needs a scheduled time: scheduledFor", "scheduledFor.missing")
    elif scheduled_for <= now and not at_once:
        yield Violation(["scheduledFor"], "scheduledFor must be in the future", "scheduledFor.past")


def _media_url(media: str | None) -> Iterator[Violation]:
    if not media or not media.strip():
        yield Violation(["media"], "A post needs a media URL", "media.missing")
    elif problem := media_url.validate_media_url(media):
        code, ending = problem
        yield Violation(["media"], f"The media URL {ending}", code)


def _media_type(item: _Media) -> Iterator[Violation]:
    served = str(item.facts.get("contentType", "")).partition("/")[0].upper()
    if item.kind and served in {"IMAGE", "VIDEO"} and served != item.kind:
        message = f"The media is declared as {item.kind}, but its address serves {item.facts['contentType']}"
        yield Violation(["mediaType"], message, "mediaType.contradiction")
    if item.post_type == "REEL" and item.kind != "VIDEO":
        yield Violation(["mediaType"], "A reel needs a video", "mediaType.reel")


def _caption(channel: ChannelContent) -> Iterator[Violation]:
    if not channel.caption.strip():
        yield _violation(channel, "caption", "a caption is missing", "caption.missing")


def _facebook(channel: ChannelContent, item: _Media) -> Iterator[Violation]:
    if len(channel.caption) > FACEBOOK_CAPTION:
        yield _too_many(channel, "caption.length", len(channel.caption), "characters", FACEBOOK_CAPTION)
    if item.post_type == "STORY":
        yield _violation(channel, "", "stories cannot be published to a Facebook Page", "type.unsupported")
    if served := _served(item, "IMAGE"):
        if served not in FACEBOOK_IMAGES:
            yield _violation(channel, "", f"Facebook takes JPEG, PNG, GIF or TIFF images, not {served}", "media.format")
        if _size(item) > FACEBOOK_IMAGE_BYTES:
            yield _violation(channel, "", "Facebook takes images of up to 4 MB", "media.size")


def _instagram(channel: ChannelContent, item: _Media) -> Iterator[Violation]:
    """Yield the limits of Instagram that the post exceeds.

    Characters are counted as Unicode code points: Meta does not document what it counts. A hashtag is `#` with word
    characters, a mention is `@` with word characters or dots.
    """
    for code, count, what, most in (
        ("caption.length", len(channel.caption), "characters", INSTAGRAM_CAPTION),
        ("caption.hashtags", len(HASHTAG.findall(channel.caption)), "hashtags", INSTAGRAM_HASHTAGS),
        ("caption.mentions", len(MENTION.findall(channel.caption)), "mentions", INSTAGRAM_MENTIONS),
    ):
        if count > most:
            yield _too_many(channel, code, count, what, most)
    if item.kind is None:
        yield _violation(channel, "", "Instagram needs an image or a video: set mediaType", "mediaType.missing")
    if served := _served(item, "IMAGE"):
        if served != "image/jpeg":
            yield _violation(channel, "", f"Instagram takes JPEG images only, not {served}", "media.format")
        if _size(item) > INSTAGRAM_IMAGE_BYTES:
            yield _violation(channel, "", "Instagram takes images of up to 8 MB", "media.size")
        if item.post_type == "POST" and not _ratio_fits(item.facts):
            yield _violation(channel, "", "Instagram takes images between 4:5 and 1.91:1", "media.ratio")
    if _served(item, "VIDEO") and _size(item) > INSTAGRAM_VIDEO_BYTES:
        yield _violation(channel, "", "Instagram takes videos of up to 300 MB", "media.size")


def _served(item: _Media, kind: str) -> str:
    """Return the content type that the URL serves when it is of `kind`; otherwise, and before the inspection, empty."""
    served = str(item.facts.get("contentType", ""))
    return served if served.startswith(f"{kind.lower()}/") else ""


def _size(item: _Media) -> int:
    return int(item.facts.get("size") or 0)


def _ratio_fits(facts: dict[str, Any]) -> bool:
    width, height = facts.get("width"), facts.get("height")
    if not width or not height:
        return True
    least, most = INSTAGRAM_RATIOS
    # The limits have two decimals; a pixel of rounding must not refuse what the platform accepts.
    return bool(least - 0.005 <= width / height <= most + 0.005)


def _too_many(channel: ChannelContent, code: str, count: int, what: str, most: int) -> Violation:
    return _violation(channel, "caption", f"the caption has {count:,} {what}, the limit is {most:,}", code)


def _violation(channel: ChannelContent, field: str, text: str, code: str) -> Violation:
    path: Path = ["channels", channel.public_id]
    return Violation([*path, field] if field else path, f"{channel.name}: {text}", code)


def validate_publishable(
    post: ScheduledPost, deliveries: list[Delivery], *, scheduled_for: datetime | None = None, at_once: bool = False
) -> None:
    """Raise Invalid, with every violation in its details, unless the post passes full publish validation."""
    violations = find_violations(
        type=post.type,
        media=post.media,
        media_type=post.media_type,
        scheduled_for=scheduled_for or post.scheduled_for,
        channels=[
            ChannelContent(delivery.channel.public_id, delivery.channel.type, delivery.channel.name, delivery.caption)
            for delivery in deliveries
        ],
        now=clock.now(),
        media_metadata=post.media_metadata,
        at_once=at_once,
    )
    if violations:
        raise Invalid(violations[0].message, [violation.as_wire() for violation in violations])
