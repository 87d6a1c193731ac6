"""Checks captions: characters, hashtags and mentions against the limits of the platform."""

from collections.abc import Iterator

from posts.models import ChannelType
from scheduling.domain import text_rules
from scheduling.domain.preflight.base import Check
from scheduling.domain.validation import (
    FACEBOOK_CAPTION,
    INSTAGRAM_CAPTION,
    INSTAGRAM_HASHTAGS,
    INSTAGRAM_MENTIONS,
)
from scheduling.models import Delivery, ScheduledPost

LINK = "http://", "https://"


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
    if any(start in caption for start in LINK):
        yield Check("caption.link", "warn", f"{name}: links in an Instagram caption cannot be tapped.", public_id)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
