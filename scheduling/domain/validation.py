"""Full publish validation: the rules of the contract for every post, then those of each platform.

Runs no query and no request. Limits: graph-api, sections 2 and 3; where its sources differ, the stricter one.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from accounts import clock
from accounts.exceptions import Invalid
from posts.domain import media_store
from posts.graph import image_files
from posts.models import ChannelType, PostType
from scheduling.domain import media_url, text_rules
from scheduling.models import Delivery, MediaItem, MediaType, ScheduledPost

FACEBOOK_CAPTION = 63_206  # characters
FACEBOOK_IMAGE_BYTES = image_files.FACEBOOK_IMAGE_BYTES
FACEBOOK_IMAGES = ("image/jpeg", "image/png", "image/gif", "image/tiff")
INSTAGRAM_CAPTION, INSTAGRAM_HASHTAGS, INSTAGRAM_MENTIONS = 2_200, 30, 20  # 36004/2207010
INSTAGRAM_IMAGE_BYTES = image_files.INSTAGRAM_IMAGE_BYTES
# Width : height, 36003/2207009; not for stories. Meta's documents name 4:5 and 3:4; a check warns below 4:5.
INSTAGRAM_RATIOS = (3 / 4, 1.91)
INSTAGRAM_VIDEO_BYTES = 300 * 1024 * 1024
CAROUSEL_ITEMS = (2, 10)
ALT_TEXT = 1_000  # characters
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
    violations = [*_schedule(scheduled_for or post.scheduled_for, at_once=at_once), *_media_urls(post)]
    if not deliveries:
        violations.append(Violation(["channels"], "A post needs at least one channel", "channels.empty"))
    violations += [*_media_types(post), *_alt_texts(post)]
    for delivery in deliveries:
        violations += _texts(delivery)
        page = delivery.channel.type == ChannelType.FB_PAGE
        violations += _facebook(post, delivery) if page else _instagram(post, delivery)
    return violations


def infer_media_type(media: str | None, media_type: str | None, served: str | None = None) -> str | None:
    """Return IMAGE or VIDEO, None for a link: as declared, else by what was served, else by the URL's extension.

    `served` is the content type of the inspected media or page, empty or None when it is unknown. A URL that ends like
    a web page is a link whatever it serves.
    """
    if media_type or not media:
        return media_type
    if media_url.is_page_by_extension(media):
        return None
    kind = str(served or "").partition("/")[0].upper()
    if kind in MediaType.values:
        return kind
    return None if served else media_url.kind_by_extension(media)


def _schedule(scheduled_for: datetime | None, *, at_once: bool) -> Iterator[Violation]:
    if scheduled_for is None:
        yield Violation(["scheduledFor"], "A post needs a scheduled time: scheduledFor", "scheduledFor.missing")
    elif not at_once and scheduled_for <= clock.now():
        yield Violation(["scheduledFor"], "scheduledFor must be in the future", "scheduledFor.past")


def media_of(post: ScheduledPost) -> Sequence[ScheduledPost | MediaItem]:
    """Return what has the columns of each medium: the items of a carousel in order, else the post itself."""
    return post.items or [post]


def item_label(medium: ScheduledPost | MediaItem) -> str:
    """Return `Item 2`, empty for the single medium of a post."""
    return f"Item {medium.number}" if isinstance(medium, MediaItem) else ""


def _path(medium: ScheduledPost | MediaItem, field: str) -> list[str | int]:
    if isinstance(medium, MediaItem):
        return ["mediaItems", medium.position, "url" if field == "media" else field]
    return [field]


def _media_urls(post: ScheduledPost) -> Iterator[Violation]:
    for medium in media_of(post):
        of_item = f" of item {medium.number}" if isinstance(medium, MediaItem) else ""
        if not medium.media or not medium.media.strip():
            yield Violation(_path(medium, "media"), "A post needs a media URL", "media.missing")
        elif media_store.is_stable_url(medium.media):
            # A file that is stored is not looked up again, so that a page of posts needs no query for each.
            if medium.media_file_id is None and media_store.find_stored(post.organization, medium.media) is None:
                yield Violation(_path(medium, "media"), media_store.NOT_STORED_ANY_MORE, "media.unknown")
        elif problem := media_url.validate_media_url(medium.media):
            code, ending = problem
            yield Violation(_path(medium, "media"), f"The media URL{of_item} {ending}", code)


def _media_types(post: ScheduledPost) -> Iterator[Violation]:
    for medium in media_of(post):
        served, kind = _content_type(medium), _kind(medium)
        what = item_label(medium) or "The media"
        if kind and served.startswith(("image/", "video/")) and not served.startswith(kind.lower()):
            message = f"{what} is declared as {kind}, but its address serves {served}"
            yield Violation(_path(medium, "mediaType"), message, "mediaType.contradiction")
        if kind is None and isinstance(medium, MediaItem) and not _awaits_kind(medium):
            message = f"{what} must be an image or a video: set mediaType"
            yield Violation(_path(medium, "mediaType"), message, "mediaItems.link")
    if post.items and post.type != PostType.POST:
        yield Violation(["mediaItems"], f"A {post.type.lower()} has one image or video, not several", "mediaItems.type")
    elif post.type == PostType.REEL and _kind(post) != MediaType.VIDEO and not _awaits_kind(post):
        yield Violation(["mediaType"], "A reel needs a video", "mediaType.reel")


def _alt_texts(post: ScheduledPost) -> Iterator[Violation]:
    """Yield alternative texts that no platform takes, and what a reviewer could not see in them."""
    if post.items and post.alt_text:
        message = "Each of several media has its own altText, in mediaItems"
        yield Violation(["altText"], message, "altText.items")
    for medium in media_of(post):
        path, what = _path(medium, "altText"), f"{item_label(medium) or 'The media'}: the alternative text"
        if not medium.alt_text:
            continue
        if _kind(medium) != MediaType.IMAGE and not _awaits_kind(medium):
            yield Violation(path, f"{what} is for images only", "altText.unsupported")
        if controls := text_rules.control_characters(medium.alt_text):
            yield Violation(path, f"{what} contains the control character {controls[0].code}", "altText.control")
        elif not text_rules.is_visible(medium.alt_text):
            yield Violation(path, f"{what} has no visible character", "altText.invisible")


def _kind(medium: ScheduledPost | MediaItem) -> str | None:
    return infer_media_type(medium.media, medium.media_type, _content_type(medium))


def _awaits_kind(medium: ScheduledPost | MediaItem) -> bool:
    """Whether the inspection will decide: neither `mediaType` nor the address says what the medium is."""
    media = str(medium.media or "").strip()
    is_open = bool(media) and not media_url.is_page_by_extension(media)
    return is_open and medium.media_checked_at is None and _kind(medium) is None


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
    for medium in media_of(post):
        served, label = _content_type(medium), _in_sentence(medium)
        if isinstance(medium, MediaItem) and _kind(medium) == MediaType.VIDEO:
            text = f"{label}Facebook takes several photos in a post, no videos"
            yield _violation(delivery, "", text, "mediaItems.video")
        if served.startswith("image/"):
            if served not in FACEBOOK_IMAGES:
                text = f"{label}Facebook takes JPEG, PNG, GIF or TIFF images, not {served}"
                yield _violation(delivery, "", text, "media.format")
            if _size(medium) > FACEBOOK_IMAGE_BYTES:
                yield _violation(delivery, "", f"{label}Facebook takes images of up to 4 MB", "media.size")


def _instagram(post: ScheduledPost, delivery: Delivery) -> Iterator[Violation]:
    """Yield the limits of Instagram that the post exceeds.

    Characters are counted as Unicode code points: Meta does not document what it counts.
    """
    caption = delivery.caption
    for code, count, what, most in (
        ("caption.length", len(caption), "characters", INSTAGRAM_CAPTION),
        ("caption.hashtags", text_rules.count_hashtags(caption), "hashtags", INSTAGRAM_HASHTAGS),
        ("caption.mentions", text_rules.count_mentions(caption), "mentions", INSTAGRAM_MENTIONS),
    ):
        if count > most:
            yield _too_many(delivery, code, count, what, most)
    if not post.items and _kind(post) is None and not _awaits_kind(post):
        if post.media and post.media.strip():
            yield _violation(delivery, "", "Instagram needs an image or a video: set mediaType", "mediaType.missing")
        else:
            text = "Instagram needs an image or a video, and media is missing: a text-only post stays a draft"
            yield _violation(delivery, "", text, "media.text_only")
    if post.type == PostType.STORY and post.alt_text:
        yield _violation(delivery, "", "stories on Instagram have no alternative text", "altText.unsupported")
    for medium in media_of(post):
        yield from _instagram_medium(post, delivery, medium)


def _instagram_medium(
    post: ScheduledPost, delivery: Delivery, medium: ScheduledPost | MediaItem
) -> Iterator[Violation]:
    served, label = _content_type(medium), _in_sentence(medium)
    if served.startswith("image/"):
        if served != "image/jpeg":
            yield _violation(delivery, "", f"{label}Instagram takes JPEG images only, not {served}", "media.format")
        if _size(medium) > INSTAGRAM_IMAGE_BYTES:
            yield _violation(delivery, "", f"{label}Instagram takes images of up to 8 MB", "media.size")
        if post.type == PostType.POST and not _ratio_fits(medium.media_metadata):
            yield _violation(delivery, "", f"{label}Instagram takes images between 3:4 and 1.91:1", "media.ratio")
    if served.startswith("video/") and _size(medium) > INSTAGRAM_VIDEO_BYTES:
        yield _violation(delivery, "", f"{label}Instagram takes videos of up to 300 MB", "media.size")


def _in_sentence(medium: ScheduledPost | MediaItem) -> str:
    """Return `item 2: `, empty for the single medium of a post."""
    return f"item {medium.number}: " if isinstance(medium, MediaItem) else ""


def _content_type(medium: ScheduledPost | MediaItem) -> str:
    """Return the content type that the media's URL served; empty before the inspection."""
    return str(medium.media_metadata.get("contentType", ""))


def _size(medium: ScheduledPost | MediaItem) -> int:
    return int(medium.media_metadata.get("size") or 0)


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
