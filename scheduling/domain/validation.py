"""Full publish validation: the rules of the contract for every post, then those of each platform.

Runs no query and no request. Limits: graph-api, sections 2 and 3; where its sources differ, the stricter one.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from accounts import clock
from accounts.exceptions import Invalid
from posts.domain import media_store
from posts.models import ChannelType, PostType
from scheduling.domain import media_url, text_rules
from scheduling.models import Delivery, MediaType, ScheduledPost

FACEBOOK_CAPTION = 63_206  # characters
FACEBOOK_IMAGE_BYTES = 4 * 1024 * 1024  # 100/1366046: "less than 4 MB … JPG, PNG, GIF or TIFF"
FACEBOOK_IMAGES = ("image/jpeg", "image/png", "image/gif", "image/tiff")
INSTAGRAM_CAPTION, INSTAGRAM_HASHTAGS, INSTAGRAM_MENTIONS = 2_200, 30, 20  # 36004/2207010
INSTAGRAM_IMAGE_BYTES = 8 * 1024 * 1024  # 36000/2207004
# Width : height, 36003/2207009; not for stories. Meta's documents name 4:5 and 3:4; a check warns below 4:5.
INSTAGRAM_RATIOS = (3 / 4, 1.91)
INSTAGRAM_VIDEO_BYTES = 300 * 1024 * 1024
MAX_SUPERPOWER_VIOLATIONS = 20  # for each channel


@dataclass(frozen=True)
class Violation:
    """One violated rule. `path` starts at the root of the document; `code` is for programs, `message` is a sentence."""

    path: list[str | int]
    message: str
    code: str


def find_violations(
    post: ScheduledPost, deliveries: list[Delivery], *, scheduled_for: datetime | None = None, at_once: bool = False
) -> list[Violation]:
    """Return every violation, in the order in which a person would fix them; empty means publishable.

    `scheduled_for` replaces the post's; with `at_once` it is the present time. Before the media is inspected, only its
    URL is checked.
    """
    violations = [*_schedule(scheduled_for or post.scheduled_for, at_once=at_once), *_media_url(post.media)]
    if not deliveries:
        violations.append(Violation(["channels"], "A post needs at least one channel", "channels.empty"))
    violations += _media_type(post)
    for delivery in deliveries:
        violations += _texts(delivery)
        page = delivery.channel.type == ChannelType.FB_PAGE
        violations += _facebook(post, delivery) if page else _instagram(post, delivery)
    return violations


def infer_media_type(media: str | None, media_type: str | None, served: str | None = None) -> str | None:
    """Return IMAGE or VIDEO, None for a link: as declared, else by what was served, else by the URL's extension.

    `served` is the content type of the inspected media, empty or None before the inspection. A URL that ends like a web
    page is a link whatever it serves.
    """
    if media_type or not media:
        return media_type
    if media_url.is_page_by_extension(media):
        return None
    kind = str(served or "").partition("/")[0].upper()
    return kind if kind in MediaType.values else media_url.kind_by_extension(media)


def _schedule(scheduled_for: datetime | None, *, at_once: bool) -> Iterator[Violation]:
    if scheduled_for is None:
        yield Violation(["scheduledFor"], "A post needs a scheduled time: scheduledFor", "scheduledFor.missing")
    elif not at_once and scheduled_for <= clock.now():
        yield Violation(["scheduledFor"], "scheduledFor must be in the future", "scheduledFor.past")


def _media_url(media: str | None) -> Iterator[Violation]:
    if not media or not media.strip():
        yield Violation(["media"], "A post needs a media URL", "media.missing")
    elif not media_store.is_stable_url(media) and (problem := media_url.validate_media_url(media)):
        code, ending = problem
        yield Violation(["media"], f"The media URL {ending}", code)


def _media_type(post: ScheduledPost) -> Iterator[Violation]:
    served = _content_type(post)
    kind = infer_media_type(post.media, post.media_type, served)
    if kind and served.startswith(("image/", "video/")) and not served.startswith(kind.lower()):
        message = f"The media is declared as {kind}, but its address serves {served}"
        yield Violation(["mediaType"], message, "mediaType.contradiction")
    if post.type == PostType.REEL and kind != MediaType.VIDEO:
        yield Violation(["mediaType"], "A reel needs a video", "mediaType.reel")


def _texts(delivery: Delivery) -> Iterator[Violation]:
    """Yield what a reviewer could not see: control characters, and texts without a visible character."""
    if not delivery.caption.strip():
        yield _violation(delivery, "caption", "a caption is missing", "caption.missing")
    elif not text_rules.is_visible(delivery.caption):
        yield _violation(delivery, "caption", "the caption has no visible character", "caption.invisible")
    if controls := text_rules.control_characters(delivery.caption):
        text = f"the caption contains the control character {controls[0].code}"
        yield _violation(delivery, "caption", text, "caption.control")
    yield from islice(_superpower_texts(delivery), MAX_SUPERPOWER_VIOLATIONS)


def _superpower_texts(delivery: Delivery) -> Iterator[Violation]:
    root: list[str | int] = ["channels", delivery.channel.public_id, "superpower"]
    for path, text in _strings(delivery.superpower, root):
        if controls := text_rules.control_characters(text):
            message = f"{delivery.channel.name}: the superpower contains the control character {controls[0].code}"
            yield Violation(path, message, "superpower.control")
        elif text.strip() and not text_rules.is_visible(text):
            message = f"{delivery.channel.name}: the superpower has a text without a visible character"
            yield Violation(path, message, "superpower.invisible")


def _strings(value: Any, path: list[str | int]) -> Iterator[tuple[list[str | int], str]]:
    """Yield each string of a JSON value with its path, also the names of fields."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(key, str):
                yield [*path, key], key
            yield from _strings(item, [*path, key])


def _facebook(post: ScheduledPost, delivery: Delivery) -> Iterator[Violation]:
    if len(delivery.caption) > FACEBOOK_CAPTION:
        yield _too_many(delivery, "caption.length", len(delivery.caption), "characters", FACEBOOK_CAPTION)
    if post.type == PostType.STORY:
        yield _violation(delivery, "", "stories cannot be published to a Facebook Page", "type.unsupported")
    served = _content_type(post)
    if served.startswith("image/"):
        if served not in FACEBOOK_IMAGES:
            text = f"Facebook takes JPEG, PNG, GIF or TIFF images, not {served}"
            yield _violation(delivery, "", text, "media.format")
        if _size(post) > FACEBOOK_IMAGE_BYTES:
            yield _violation(delivery, "", "Facebook takes images of up to 4 MB", "media.size")


def _instagram(post: ScheduledPost, delivery: Delivery) -> Iterator[Violation]:
    """Yield the limits of Instagram that the post exceeds.

    Characters are counted as Unicode code points: Meta does not document what it counts.
    """
    caption, served = delivery.caption, _content_type(post)
    for code, count, what, most in (
        ("caption.length", len(caption), "characters", INSTAGRAM_CAPTION),
        ("caption.hashtags", text_rules.count_hashtags(caption), "hashtags", INSTAGRAM_HASHTAGS),
        ("caption.mentions", text_rules.count_mentions(caption), "mentions", INSTAGRAM_MENTIONS),
    ):
        if count > most:
            yield _too_many(delivery, code, count, what, most)
    if infer_media_type(post.media, post.media_type, served) is None:
        yield _violation(delivery, "", "Instagram needs an image or a video: set mediaType", "mediaType.missing")
    if served.startswith("image/"):
        if served != "image/jpeg":
            yield _violation(delivery, "", f"Instagram takes JPEG images only, not {served}", "media.format")
        if _size(post) > INSTAGRAM_IMAGE_BYTES:
            yield _violation(delivery, "", "Instagram takes images of up to 8 MB", "media.size")
        if post.type == PostType.POST and not _ratio_fits(post.media_metadata):
            yield _violation(delivery, "", "Instagram takes images between 3:4 and 1.91:1", "media.ratio")
    if served.startswith("video/") and _size(post) > INSTAGRAM_VIDEO_BYTES:
        yield _violation(delivery, "", "Instagram takes videos of up to 300 MB", "media.size")


def _content_type(post: ScheduledPost) -> str:
    """Return the content type that the media's URL served; empty before the inspection."""
    return str(post.media_metadata.get("contentType", ""))


def _size(post: ScheduledPost) -> int:
    return int(post.media_metadata.get("size") or 0)


def _ratio_fits(facts: dict[str, Any]) -> bool:
    width, height = facts.get("width"), facts.get("height")
    if not width or not height:
        return True
    least, most = INSTAGRAM_RATIOS
    # The limits have two decimals; a pixel of rounding must not refuse what the platform accepts.
    return bool(least - 0.005 <= width / height <= most + 0.005)


def _too_many(delivery: Delivery, code: str, count: int, what: str, most: int) -> Violation:
    return _violation(delivery, "caption", f"the caption has {count:,} {what}, the limit is {most:,}", code)


def _violation(delivery: Delivery, field: str, text: str, code: str) -> Violation:
    path: list[str | int] = ["channels", delivery.channel.public_id]
    return Violation([*path, field] if field else path, f"{delivery.channel.name}: {text}", code)


def validate_publishable(
    post: ScheduledPost, deliveries: list[Delivery], *, scheduled_for: datetime | None = None, at_once: bool = False
) -> None:
    """Raise Invalid unless the post passes full publish validation."""
    raise_if_invalid(find_violations(post, deliveries, scheduled_for=scheduled_for, at_once=at_once))


def raise_if_invalid(violations: Iterable[Violation]) -> None:
    """Raise Invalid with the violations in its details; do nothing without any."""
    if details := [asdict(violation) for violation in violations]:
        raise Invalid(details[0]["message"], details)
