"""Full publish validation: what the contract asks of every post, then what each platform asks of its own.

Nothing here looks anything up. Numbers are graph-api's (sections 2 and 3); where its sources differ, the stricter.
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
INSTAGRAM_RATIOS = (4 / 5, 1.91)  # width : height, 36003/2207009; stories are not held to it
INSTAGRAM_VIDEO_BYTES = 300 * 1024 * 1024
HASHTAG, MENTION = re.compile(r"#\w+"), re.compile(r"@[\w.]+")

Path = list[str | int]


@dataclass(frozen=True)
class Violation:
    """One rule broken. `path` leads from the document's root; `code` is for programs, `message` is a sentence."""

    path: Path
    message: str
    code: str

    def as_wire(self) -> dict[str, Any]:
        """Return what the contract shows in `details`."""
        return {"path": self.path, "message": self.message, "code": self.code}


@dataclass(frozen=True)
class ChannelContent:
    """One channel of the post, with what it will say there."""

    public_id: str
    type: str
    name: str
    caption: str


@dataclass(frozen=True)
class _Media:
    """What the post shows. `facts` is what a worker found there: contentType, size, width, height, or nothing."""

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
    instant_is_now: bool = False,
) -> list[Violation]:
    """Return every violation, in the order in which a person would mend them; empty means publishable.

    `media_metadata` are those of exactly this `media`; without them only the URL is judged.
    """
    found = [*_schedule(scheduled_for, now, at_once=instant_is_now), *_address(media)]
    if not channels:
        found.append(Violation(["channels"], "A post needs at least one channel", "channels.empty"))
    shown = _Media(type, infer_media_type(media, media_type), media_metadata or {})
    found += _contradiction(shown)
    for line in channels:
        found += _caption(line)
        found += _facebook(line, shown) if line.type == "FB_PAGE" else _instagram(line, shown)
    return found


def infer_media_type(media: str | None, media_type: str | None) -> str | None:
    """Return IMAGE or VIDEO: as declared, else by the URL's extension; None when neither says."""
    return media_type or (media_url.kind_by_extension(media) if media else None)


def _schedule(instant: datetime | None, now: datetime, *, at_once: bool) -> Iterator[Violation]:
    if instant is None:
        yield Violation(["scheduledFor"], "A post needs a time to go out at: scheduledFor", "scheduledFor.missing")
    elif instant <= now and not at_once:
        yield Violation(["scheduledFor"], "scheduledFor must be in the future", "scheduledFor.past")


def _address(media: str | None) -> Iterator[Violation]:
    if not media or not media.strip():
        yield Violation(["media"], "A post needs a media URL", "media.missing")
    elif problem := media_url.validate_media_url(media):
        code, ending = problem
        yield Violation(["media"], f"The media URL {ending}", code)


def _contradiction(shown: _Media) -> Iterator[Violation]:
    served = str(shown.facts.get("contentType", "")).partition("/")[0].upper()
    if shown.kind and served in {"IMAGE", "VIDEO"} and served != shown.kind:
        message = f"The media is declared as {shown.kind}, but its address serves {shown.facts['contentType']}"
        yield Violation(["mediaType"], message, "mediaType.contradiction")
    if shown.post_type == "REEL" and shown.kind != "VIDEO":
        yield Violation(["mediaType"], "A reel needs a video", "mediaType.reel")


def _caption(line: ChannelContent) -> Iterator[Violation]:
    if not line.caption.strip():
        yield _about(line, "caption", "a caption is missing", "caption.missing")


def _facebook(line: ChannelContent, shown: _Media) -> Iterator[Violation]:
    if len(line.caption) > FACEBOOK_CAPTION:
        yield _too_many(line, "caption.length", len(line.caption), "characters", FACEBOOK_CAPTION)
    if shown.post_type == "STORY":
        yield _about(line, "", "stories cannot be published to a Facebook Page", "type.unsupported")
    if served := _served(shown, "IMAGE"):
        if served not in FACEBOOK_IMAGES:
            yield _about(line, "", f"Facebook takes JPEG, PNG, GIF or TIFF images, not {served}", "media.format")
        if _size(shown) > FACEBOOK_IMAGE_BYTES:
            yield _about(line, "", "Facebook takes images of up to 4 MB", "media.size")


def _instagram(line: ChannelContent, shown: _Media) -> Iterator[Violation]:
    """Yield what Instagram would refuse.

    Characters are Unicode code points: Meta does not say what it counts. A hashtag is `#` with word characters, a
    mention is `@` with word characters or dots.
    """
    for code, count, what, most in (
        ("caption.length", len(line.caption), "characters", INSTAGRAM_CAPTION),
        ("caption.hashtags", len(HASHTAG.findall(line.caption)), "hashtags", INSTAGRAM_HASHTAGS),
        ("caption.mentions", len(MENTION.findall(line.caption)), "mentions", INSTAGRAM_MENTIONS),
    ):
        if count > most:
            yield _too_many(line, code, count, what, most)
    if shown.kind is None:
        yield _about(line, "", "Instagram needs an image or a video: set mediaType", "mediaType.missing")
    if served := _served(shown, "IMAGE"):
        if served != "image/jpeg":
            yield _about(line, "", f"Instagram takes JPEG images only, not {served}", "media.format")
        if _size(shown) > INSTAGRAM_IMAGE_BYTES:
            yield _about(line, "", "Instagram takes images of up to 8 MB", "media.size")
        if shown.post_type == "POST" and not _ratio_fits(shown.facts):
            yield _about(line, "", "Instagram takes images between 4:5 and 1.91:1", "media.ratio")
    if _served(shown, "VIDEO") and _size(shown) > INSTAGRAM_VIDEO_BYTES:
        yield _about(line, "", "Instagram takes videos of up to 300 MB", "media.size")


def _served(shown: _Media, kind: str) -> str:
    """Return the content type that the address really serves, when it is of this kind; empty while it is not known."""
    served = str(shown.facts.get("contentType", ""))
    return served if served.startswith(f"{kind.lower()}/") else ""


def _size(shown: _Media) -> int:
    return int(shown.facts.get("size") or 0)


def _ratio_fits(facts: dict[str, Any]) -> bool:
    width, height = facts.get("width"), facts.get("height")
    if not width or not height:
        return True
    least, most = INSTAGRAM_RATIOS
    # Two decimals are all that the limits have; a pixel of rounding must not refuse what the platform takes.
    return bool(least - 0.005 <= width / height <= most + 0.005)


def _too_many(line: ChannelContent, code: str, count: int, what: str, most: int) -> Violation:
    return _about(line, "caption", f"the caption has {count:,} {what}, the limit is {most:,}", code)


def _about(line: ChannelContent, field: str, what: str, code: str) -> Violation:
    path: Path = ["channels", line.public_id]
    return Violation([*path, field] if field else path, f"{line.name}: {what}", code)


def validate_publishable(
    post: ScheduledPost, deliveries: list[Delivery], *, instant: datetime | None = None, at_once: bool = False
) -> None:
    """Raise Invalid, with every violation in its details, unless the post passes full publish validation."""
    found = find_violations(
        type=post.type,
        media=post.media,
        media_type=post.media_type,
        scheduled_for=instant or post.scheduled_for,
        channels=[
            ChannelContent(delivery.channel.public_id, delivery.channel.type, delivery.channel.name, delivery.caption)
            for delivery in deliveries
        ],
        now=clock.now(),
        media_metadata=post.media_metadata,
        instant_is_now=at_once,
    )
    if found:
        raise Invalid(found[0].message, [item.as_wire() for item in found])
