"""Captions: how much they say, counted as the limits count."""

from collections.abc import Iterator

from posts.models import ChannelType
from scheduling.domain.preflight.base import Check
from scheduling.domain.validation import (
    FACEBOOK_CAPTION,
    HASHTAG,
    INSTAGRAM_CAPTION,
    INSTAGRAM_HASHTAGS,
    INSTAGRAM_MENTIONS,
    MENTION,
)
from scheduling.models import Delivery, ScheduledPost

LINK = "http://", "https://"


def look(post: ScheduledPost, delivery: Delivery) -> Iterator[Check]:
    """Yield what there is to say about the caption of one channel. What breaks a limit is said by the validation."""
    channel, caption = delivery.channel, delivery.caption
    where, public_id = channel.name, channel.public_id
    if channel.type == ChannelType.INSTAGRAM_ACCOUNT and post.type == "STORY":
        if caption.strip():
            said = f"{where}: a story shows no caption; the public will not read this one."
            yield Check("caption", "warn", said, public_id)
        return
    if not caption.strip():
        return
    hashtags, mentions = len(HASHTAG.findall(caption)), len(MENTION.findall(caption))
    if channel.type != ChannelType.INSTAGRAM_ACCOUNT:
        if len(caption) <= FACEBOOK_CAPTION:
            said = f"{where}: {_count(len(caption), 'character')} of {FACEBOOK_CAPTION:,}."
            yield Check("caption", "ok", said, public_id)
        return
    if len(caption) <= INSTAGRAM_CAPTION and hashtags <= INSTAGRAM_HASHTAGS and mentions <= INSTAGRAM_MENTIONS:
        counts = (
            f"{_count(len(caption), 'character')} of {INSTAGRAM_CAPTION:,}",
            f"{_count(hashtags, 'hashtag')} of {INSTAGRAM_HASHTAGS}",
            f"{_count(mentions, 'mention')} of {INSTAGRAM_MENTIONS}",
        )
        said = f"{where}: {', '.join(counts)}."
        yield Check("caption", "ok", said, public_id)
    if any(start in caption for start in LINK):
        yield Check("caption.link", "warn", f"{where}: links in an Instagram caption cannot be tapped.", public_id)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
