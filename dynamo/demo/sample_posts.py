"""The posts of the demo's organization, a guest house by the sea: the texts are in sample_posts.json."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

FACEBOOK, INSTAGRAM = "FB_PAGE", "INSTAGRAM_ACCOUNT"
DATA = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class SamplePost:
    """A post to seed: `texts` by channel type, `due` from now. `items`: of a carousel the files and alternative texts.

    `outcome` is the status that it reaches: draft, waiting and rejected without an approval; scheduled, published and
    failed with the approval of the demo's reviewer.
    """

    outcome: str
    texts: dict[str, str]
    due: timedelta | None
    media: str | None = None
    items: tuple[tuple[str, str], ...] = ()
    by_agent: bool = True
    superpower: bool = False
    notes: str = ""

    @property
    def needs_approval(self) -> bool:
        return self.outcome in {"scheduled", "published", "failed"}


def _sample_post(
    text: str, hashtags: str = "", only: str = "", due_minutes: int | None = None, **fields: Any
) -> SamplePost:
    """Return the post for the channel type `only`, or for both; the hashtags are for Instagram only."""
    texts = {only: text} if only else {FACEBOOK: text, INSTAGRAM: f"{text}\n\n{hashtags}"}
    due = None if due_minutes is None else timedelta(minutes=due_minutes)
    items = tuple((name, alt_text) for name, alt_text in fields.pop("items", []))
    return SamplePost(texts=texts, due=due, items=items, **fields)


SAMPLE_POSTS = [_sample_post(**post) for post in DATA["posts"]]
EARLIER_DAYS = 28


# Comments below the newest of the earlier posts. `author` null is a deleted account; without it the channel replies.
CONVERSATION = DATA["conversation"]


def earlier_posts(channel_type: str, now: datetime) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield posts of the last four weeks, oldest first, as items for the sandbox's POST /__posts.

    Each with its number of comments. The result depends only on the channel type and the day.
    """
    random = Random(channel_type)  # noqa: S311  nothing secret
    for days_ago in range(EARLIER_DAYS, 0, -1):
        if random.random() < 0.3:
            continue
        earlier = DATA["earlier"][random.randrange(len(DATA["earlier"]))]
        at = (now - timedelta(days=days_ago)).replace(hour=random.choice((8, 12, 17, 19)), minute=random.randrange(60))
        likes = int((40 + 3 * (EARLIER_DAYS - days_ago)) * random.uniform(0.5, 1.7))
        item: dict[str, Any] = {
            "kind": "photo",
            "message": earlier["text"],
            "picture": f"/media/{earlier['media']}",
            "published_at": at.isoformat(),
            "likes": likes,
        }
        comments = likes // random.randrange(6, 14)
        if channel_type == FACEBOOK:
            item |= {"shares": likes // random.randrange(9, 30), "reactions": {"LIKE": likes, "LOVE": likes // 5}}
        yield item, comments
