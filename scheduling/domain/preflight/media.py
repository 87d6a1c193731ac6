"""The media: whether a stranger can fetch it, and what it is, as a worker found it.

Limits that the platforms are sure to enforce are the validation's. What is here beyond them is theirs as well, but the
documents differ from what is seen in practice (graph-api, section 3), or it merely looks bad: a person is told.
"""

from collections.abc import Iterator
from typing import Any

from posts.models import ChannelType
from scheduling.domain.preflight.base import Check
from scheduling.domain.validation import infer_media_type
from scheduling.lifecycle import EDITABLE, Status
from scheduling.models import Delivery, ScheduledPost

INSTAGRAM_WIDTH = 320  # pixels; what is smaller is scaled up
UPRIGHT = 9 / 16  # what reels and stories are made for
# Seconds, least and most, by platform and type. Instagram's reel: graph-api, section 3. Its story and Facebook's reel:
# Meta's media specifications as third parties repeat them; taken as advice, because both have been raised before.
SECONDS = {
    ("INSTAGRAM_ACCOUNT", "POST"): (3, 15 * 60),
    ("INSTAGRAM_ACCOUNT", "REEL"): (3, 15 * 60),
    ("INSTAGRAM_ACCOUNT", "STORY"): (3, 60),
    ("FB_PAGE", "REEL"): (3, 90),
}


def look(post: ScheduledPost, deliveries: list[Delivery], broken: set[str]) -> Iterator[Check]:
    """Yield what is known of the media. `broken` are the channels whose limits it is known to break."""
    if not post.media:
        return
    facts, kind = post.media_metadata, infer_media_type(post.media, post.media_type)
    if post.media_checked_at is None:
        soon = post.status not in EDITABLE or post.status == Status.WAITING_FOR_APPROVAL
        said = "within seconds" if soon else "once it is handed to the reviewers"
        yield Check("media", "unknown", f"Nobody has looked at the media yet: a worker does, {said}.")
        return
    if problem := str(facts.get("problem") or ""):
        yield _unfetched(problem, link=kind is None, passing=bool(facts.get("passing")))
        return
    yield Check("media", "ok", f"A stranger can fetch the media: {described(facts)}.")
    for delivery in deliveries:
        warned = list(_advice(post, delivery, facts))
        yield from warned
        if delivery.channel.public_id not in broken and not warned:
            said = f"{delivery.channel.name}: type, size and measures are within the platform's limits."
            yield Check("media.limits", "ok", said, delivery.channel.public_id)


def described(facts: dict[str, Any]) -> str:
    """Return what a worker found, in words: `JPEG, 240 KB, 1080 by 1350 pixels`."""
    kind = str(facts.get("contentType", "")).partition("/")[2].upper().replace("QUICKTIME", "QuickTime")
    parts = [kind, size(int(facts.get("size") or 0))]
    if facts.get("width") and facts.get("height"):
        parts.append(f"{facts['width']} by {facts['height']} pixels")
    if facts.get("seconds"):
        parts.append(length(float(facts["seconds"])))
    return ", ".join(part for part in parts if part)


def size(number: int) -> str:
    """Return a number of bytes as people say it."""
    if number < 1000:
        return f"{number} bytes"
    return f"{number / 1000:.0f} KB" if number < 1_000_000 else f"{number / 1_000_000:.1f} MB"


def length(seconds: float) -> str:
    """Return how long a film is: `0:04`, `12:30`."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"


def _unfetched(problem: str, *, link: bool, passing: bool) -> Check:
    if link and "neither an image nor a video" in problem:
        return Check(
            "media", "ok", "The address is a page: Facebook shows a link, with the preview that it makes of it."
        )
    if passing:
        said = "An approval stands for its address, whatever is there by then. Have it checked again first."
        return Check("media", "warn", f"The media could not be fetched just now. {problem}. {said}")
    said = f"A stranger cannot fetch the media, and neither could the platforms. {problem}."
    return Check("media", "warn" if link else "stop", said)


def _advice(post: ScheduledPost, delivery: Delivery, facts: dict[str, Any]) -> Iterator[Check]:
    channel = delivery.channel
    width, height, seconds = facts.get("width"), facts.get("height"), facts.get("seconds")
    where, public_id = channel.name, channel.public_id
    if channel.type == ChannelType.INSTAGRAM_ACCOUNT and width and width < INSTAGRAM_WIDTH:
        said = f"{where}: it is {width} pixels wide. Instagram scales it up to {INSTAGRAM_WIDTH}, which blurs it."
        yield Check("media.width", "warn", said, public_id)
    if post.type in {"REEL", "STORY"} and width and height and abs(width / height - UPRIGHT) > 0.02:
        what = "reels" if post.type == "REEL" else "stories"
        said = f"{where}: {what} are 9:16; {width} by {height} pixels are shown cropped or with bars."
        yield Check("media.upright", "warn", said, public_id)
    limits = SECONDS.get((channel.type, post.type))
    if limits and seconds and not limits[0] <= seconds <= limits[1]:
        said = (
            f"{where}: the film runs {length(seconds)}. {limits[0]} seconds to {length(limits[1])} are allowed there."
        )
        yield Check("media.seconds", "warn", said, public_id)
