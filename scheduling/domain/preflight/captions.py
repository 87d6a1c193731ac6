"""Checks captions: length, hashtags and mentions against the limits of the platform, and misleading characters."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from accounts.json_leaves import format_path, json_leaves
from posts.models import ChannelType
from scheduling.domain import text_rules
from scheduling.domain.preflight.base import Check
from scheduling.domain.stored_media import media_type_of
from scheduling.domain.text_rules import invisible_characters, mixed_scripts
from scheduling.domain.validation import (
    FACEBOOK_CAPTION,
    INSTAGRAM_CAPTION,
    INSTAGRAM_HASHTAGS,
    INSTAGRAM_MENTIONS,
    media_of,
)
from scheduling.models import Delivery, ScheduledPost

# What one reseller reports of Instagram; Meta documents 30 and 20 (graph-api, section 11a).
REPORTED_HASHTAGS, REPORTED_MENTIONS = 5, 3
LINK = "http://", "https://"
MOST_NAMED = 5
# A word, or a host with its dots.
WORD = re.compile(r"\w[\w.-]*")
SIGNS = {0xB5: None, 0x2126: None}  # micro and ohm, which are Greek letters of units
# Scripts with letters that look like Latin ones.
LOOK_ALIKE = {"Armenian", "Cherokee", "Coptic", "Cyrillic", "Greek", "Lisu"}


def check_caption(post: ScheduledPost, delivery: Delivery) -> Iterator[Check]:
    """Yield the checks of one channel's caption. An exceeded limit is reported by the validation."""
    channel, caption = delivery.channel, delivery.caption
    name, public_id = channel.name, channel.public_id
    if channel.type == ChannelType.INSTAGRAM_ACCOUNT and post.type == "STORY":
        if caption.strip():
            yield Check("caption", "warn", f"{name}: a story shows no caption; this one is not published.", public_id)
        return
    if not caption.strip():
        return
    hashtags, mentions = text_rules.count_hashtags(caption), text_rules.count_mentions(caption)
    if channel.type != ChannelType.INSTAGRAM_ACCOUNT:
        if len(caption) <= FACEBOOK_CAPTION:
            counts = f"{_count(len(caption), 'character')} of {FACEBOOK_CAPTION:,}"
            yield Check("caption", "ok", f"{name}: {counts}.", public_id)
        return
    if len(caption) <= INSTAGRAM_CAPTION and hashtags <= INSTAGRAM_HASHTAGS and mentions <= INSTAGRAM_MENTIONS:
        parts = (
            f"{_count(len(caption), 'character')} of {INSTAGRAM_CAPTION:,}",
            f"{_count(hashtags, 'hashtag')} of {INSTAGRAM_HASHTAGS}",
            f"{_count(mentions, 'mention')} of {INSTAGRAM_MENTIONS}",
        )
        yield Check("caption", "ok", f"{name}: {', '.join(parts)}.", public_id)
        if hashtags > REPORTED_HASHTAGS or mentions > REPORTED_MENTIONS:
            message = (
                f"{name}: {parts[1]} and {parts[2]} are documented, but Instagram is reported to refuse or ignore more "
                f"than {REPORTED_HASHTAGS} hashtags and {REPORTED_MENTIONS} mentions."
            )
            yield Check("caption.tags", "warn", message, public_id)
    if any(start in caption for start in LINK):
        yield Check("caption.link", "warn", f"{name}: links in an Instagram caption cannot be tapped.", public_id)


def check_characters(delivery: Delivery) -> Iterator[Check]:
    """Yield warnings about characters of the caption and the superpower that mislead a reader."""
    name, public_id = delivery.channel.name, delivery.channel.public_id
    yield from _misleading(f"{name}: the caption", delivery.caption, public_id)
    yield from _misleading(f"{name}: the superpower", _texts(delivery.superpower), public_id)


def check_media_characters(post: ScheduledPost) -> Iterator[Check]:
    """Yield warnings about characters of the alternative texts and of a link that mislead a reader."""
    yield from _misleading("The alternative text", "\n".join(medium.alt_text for medium in media_of(post)))
    if post.media and media_type_of(post) is None:
        yield from _misleading("The link", post.media)


def _misleading(what: str, text: str, public_id: str = "") -> Iterator[Check]:
    """Yield warnings about characters that are not seen or that reorder others, and about words that mix scripts."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return
    invisible = dict.fromkeys(f"{found.name} ({found.code})" for found in invisible_characters(text))
    if invisible:
        message = f"{what} contains characters that are not seen: {_first(invisible)}."
        yield Check("caption.characters", "warn", message, public_id)
    mixed = dict.fromkeys(word for word in WORD.findall(text) if _looks_like_another(word))
    if mixed:
        message = f"{what} mixes scripts that look alike within a word or host: {_first(mixed)}."
        yield Check("caption.characters", "warn", message, public_id)


def _texts(superpower: Any) -> str:
    """Return all texts of the superpower, one per line, with the names of its fields."""
    leaves = json_leaves(superpower)
    return "\n".join(format_path(path) + "\n" + leaf for path, leaf in leaves.items() if isinstance(leaf, str))


def _looks_like_another(word: str) -> bool:
    scripts = mixed_scripts(word.translate(SIGNS)) if not word.isascii() else []
    return "Latin" in scripts and not LOOK_ALIKE.isdisjoint(scripts)


def _first(found: Iterable[str]) -> str:
    """Return the first few, with the number of the others."""
    items = list(found)
    more = len(items) - MOST_NAMED
    return ", ".join(items[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
