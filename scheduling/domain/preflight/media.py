"""Checks the inspected media: whether it is publicly reachable, its type, size and dimensions.

The validation has the limits that platforms enforce. The warnings here are about documented limits that differ from
practice (graph-api, section 3), and about media that would look bad.
"""

from collections.abc import Iterator
from typing import Any

from posts.models import ChannelType
from scheduling.domain import public_address
from scheduling.domain.media_url import kind_by_extension
from scheduling.domain.preflight.base import Check
from scheduling.domain.stored_media import NOT_STORED, is_link
from scheduling.domain.validation import item_label, media_of
from scheduling.lifecycle import EDITABLE, Status
from scheduling.models import Delivery, MediaItem, ScheduledPost

INSTAGRAM_WIDTH = 320  # pixels; smaller images are scaled up
RECOMMENDED_RATIO = 4 / 5  # of Instagram's images
SAME_RATIO = 0.02
UPRIGHT = 9 / 16  # of reels and stories
REEL_SECONDS = 90
# Minimum and maximum seconds by platform and type. Instagram's reel: graph-api, section 3. Its story and Facebook's
# reel: Meta's media specifications as quoted by third parties; only a warning, because both were raised before.
SECONDS = {
    ("INSTAGRAM_ACCOUNT", "POST"): (3, 15 * 60),
    ("INSTAGRAM_ACCOUNT", "REEL"): (3, 15 * 60),
    ("INSTAGRAM_ACCOUNT", "STORY"): (3, 60),
    ("FB_PAGE", "REEL"): (3, REEL_SECONDS),
}


def check_media(post: ScheduledPost, deliveries: list[Delivery], broken: set[str]) -> Iterator[Check]:
    """Yield the checks of the media. `broken`: public ids of channels whose limits it exceeds."""
    if not post.media:
        return
    if post.media_checked_at is None:
        soon = post.status not in EDITABLE or post.status == Status.WAITING_FOR_APPROVAL
        message = "Media check pending." if soon else "The media is checked when the post is submitted."
        yield Check("media", "unknown", message)
        return
    if not post.items and is_link(post):
        yield from _check_link(post)
        return
    checks = [check for medium in media_of(post) for check in _check_medium(medium)]
    yield from checks
    yield from _label(post, deliveries)
    if any(check.level == "stop" for check in checks):
        return
    for delivery in deliveries:
        if address := public_address.find_problem([delivery.channel]):
            yield Check("media.address", "stop", f"{delivery.channel.name}: {address}", delivery.channel.public_id)
            continue
        warned = [check for medium in media_of(post) for check in _advice(post, delivery, medium)]
        warned += [*_crop(post, delivery), *_unknown(post, delivery)]
        yield from warned
        if delivery.channel.public_id not in broken and not warned:
            message = f"{delivery.channel.name}: format, file size and dimensions are fine."
            yield Check("media.limits", "ok", message, delivery.channel.public_id)


def _check_medium(medium: ScheduledPost | MediaItem) -> Iterator[Check]:
    """Yield whether the medium is stored, and what was changed of it."""
    facts, label = medium.media_metadata, f"{item_label(medium)}: " if item_label(medium) else ""
    problem = str(facts.get("problem") or "")
    if problem or medium.media_file_id is None or not medium.media_sha256:
        ending = " Check it again." if facts.get("passing") or not problem else ""
        text = f"{label}{NOT_STORED}. {problem}{'.' if problem else ''}{ending}"
        yield Check("media", "stop", text.strip())
        return
    yield Check("media", "ok", f"{label}Stored here, and published from here: {describe_media(facts)}.")
    for change in facts.get("changes", []):
        yield Check("media.changed", "ok", f"{label}{change}")


def _label(post: ScheduledPost, deliveries: list[Delivery]) -> Iterator[Check]:
    """Yield where the label for what was made with AI is missing: Facebook takes none from an app."""
    for delivery in deliveries:
        if post.is_ai_generated and delivery.channel.type == ChannelType.FB_PAGE:
            message = f"{delivery.channel.name}: Facebook takes no AI label from an app; the post has none there."
            yield Check("media.label", "warn", message, delivery.channel.public_id)


def _crop(post: ScheduledPost, delivery: Delivery) -> Iterator[Check]:
    """Yield the items that Instagram crops: all of a carousel get the ratio of the first (graph-api, section 3)."""
    ratios = [_ratio(item.media_metadata) for item in post.items]
    if delivery.channel.type != ChannelType.INSTAGRAM_ACCOUNT or not ratios or ratios[0] is None:
        return
    first = ratios[0]
    cropped = [str(number) for number, ratio in enumerate(ratios, 1) if ratio and abs(ratio - first) > SAME_RATIO]
    if cropped:
        message = f"{delivery.channel.name}: cropped to the ratio of the first item: {', '.join(cropped)}."
        yield Check("media.crop", "warn", message, delivery.channel.public_id)


def _unknown(post: ScheduledPost, delivery: Delivery) -> Iterator[Check]:
    """Yield the videos of which a measure is unknown, so that it was not compared with the limits."""
    for medium in media_of(post):
        facts = medium.media_metadata
        missing = [name for name, value in (("length", "seconds"), ("dimensions", "width")) if not facts.get(value)]
        if missing and str(facts.get("contentType", "")).startswith("video/"):
            name = f"{delivery.channel.name}{f', item {medium.number}' if isinstance(medium, MediaItem) else ''}"
            message = f"{name}: the file does not state the video's {' and '.join(missing)}, so no limit was checked."
            yield Check("media.limits", "unknown", message, delivery.channel.public_id)


def _ratio(facts: dict[str, Any]) -> float | None:
    width, height = facts.get("width"), facts.get("height")
    return width / height if width and height else None


def describe_media(facts: dict[str, Any]) -> str:
    """Return the facts of the inspection as text: `JPEG, 240 KB, 1080 by 1350 pixels`."""
    kind = str(facts.get("contentType", "")).partition("/")[2].upper().replace("QUICKTIME", "QuickTime")
    parts = [kind, size(int(facts.get("size") or 0))]
    if facts.get("width") and facts.get("height"):
        parts.append(f"{facts['width']} by {facts['height']} pixels")
    if facts.get("seconds"):
        parts.append(length(float(facts["seconds"])))
    return ", ".join(part for part in parts if part)


def size(number: int) -> str:
    """Return a number of bytes as `240 KB`."""
    if number < 1000:
        return f"{number} bytes"
    return f"{number / 1000:.0f} KB" if number < 1_000_000 else f"{number / 1_000_000:.1f} MB"


def length(seconds: float) -> str:
    """Return the duration of a video: `0:04`, `12:30`."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"


def _check_link(post: ScheduledPost) -> Iterator[Check]:
    if problem := post.media_metadata.get("problem"):
        yield Check("media", "warn", f"The page behind the link could not be read. {problem}.")
        return
    if kind := kind_by_extension(str(post.media)):
        message = f"The address ends like {'an image' if kind == 'IMAGE' else 'a video'} and serves a web page"
        yield Check("media", "warn", f"{message}: Facebook shows a link with a preview.")
    else:
        yield Check("media", "ok", "The address is a web page: Facebook shows a link with a preview.")
    yield Check("media.link", "ok", "The approval covers the link's address. It does not cover what the page shows.")


def _advice(post: ScheduledPost, delivery: Delivery, medium: ScheduledPost | MediaItem) -> Iterator[Check]:
    channel, facts = delivery.channel, medium.media_metadata
    width, height, seconds = facts.get("width"), facts.get("height"), facts.get("seconds")
    name, public_id = channel.name, channel.public_id
    if isinstance(medium, MediaItem):
        name = f"{name}, item {medium.number}"
    if channel.type == ChannelType.INSTAGRAM_ACCOUNT and width and width < INSTAGRAM_WIDTH:
        message = f"{name}: {width} pixels wide. Instagram scales it up to {INSTAGRAM_WIDTH}, which blurs it."
        yield Check("media.width", "warn", message, public_id)
    if channel.type == ChannelType.INSTAGRAM_ACCOUNT and post.type == "POST" and is_tall(facts):
        message = f"{name}: {width} by {height} pixels is taller than 4:5, which Instagram may refuse or crop."
        yield Check("media.tall", "warn", message, public_id)
    if post.type in {"REEL", "STORY"} and width and height and abs(width / height - UPRIGHT) > 0.02:
        kind = "reels" if post.type == "REEL" else "stories"
        message = f"{name}: {kind} are 9:16; {width} by {height} pixels are shown cropped or with bars."
        yield Check("media.upright", "warn", message, public_id)
    if becomes_reel(post, delivery, facts):
        message = (
            f"{name}: Facebook makes a reel of a vertical video of up to {REEL_SECONDS} seconds. It appears among the "
            "Page's reels, not among its posts."
        )
        yield Check("media.reel", "warn", message, public_id)
    limits = SECONDS.get((channel.type, post.type))
    if limits and seconds and not limits[0] <= seconds <= limits[1]:
        message = f"{name}: the video runs {length(seconds)}; {limits[0]} seconds to {length(limits[1])} are allowed."
        yield Check("media.seconds", "warn", message, public_id)


def becomes_reel(post: ScheduledPost, delivery: Delivery, facts: dict[str, Any]) -> bool:
    """Whether a Page's video is vertical and short, also where its length is unknown. Field report: postiz#1740."""
    width, height, seconds = facts.get("width"), facts.get("height"), facts.get("seconds")
    is_video = str(facts.get("contentType", "")).startswith("video/")
    if delivery.channel.type != ChannelType.FB_PAGE or post.type != "POST" or not (is_video and width and height):
        return False
    return bool(width / height <= UPRIGHT + 0.02 and (not seconds or seconds <= REEL_SECONDS))


def is_tall(facts: dict[str, Any]) -> bool:
    """Whether the image is taller than 4:5 and at most 3:4, on which Meta's documents contradict each other."""
    width, height = facts.get("width"), facts.get("height")
    is_image = str(facts.get("contentType", "")).startswith("image/")
    return bool(is_image and width and height and width / height < RECOMMENDED_RATIO - 0.005)
