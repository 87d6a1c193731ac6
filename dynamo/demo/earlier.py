"""What the demo's accounts had published before Dynamo came: four weeks of posts, with what people made of them."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from dynamo.demo.drafts import FACEBOOK

DAYS = 28
LINES = (
    ("terrace.jpg", "Breakfast is on the terrace until eleven, and nobody counts the minutes."),
    ("market.jpg", "Figs, almonds, and a melon that did not fit into the basket."),
    ("boats.jpg", "The boats came in with sardines. So did half the village."),
    ("garden.jpg", "The first lemons. Rita has plans for all of them."),
    ("sunset.jpg", "Ten past six, from the roof. No filter, no wind."),
    ("lighthouse.jpg", "Eight kilometres to the lighthouse and back; the ice cream is half-way."),
    ("kitchen.jpg", "Almond cake, before and shortly after four o'clock."),
    ("harbour.jpg", "Somebody played the guitar in the harbour until late. Thank you, whoever you are."),
    ("pool.jpg", "The pool at eight in the morning: you, and one swallow."),
)


def posts(kind: str, now: datetime) -> Iterator[dict[str, Any]]:
    """Yield the posts of a channel in the sandbox's words, the oldest first: the same ones for the same day."""
    dice = Random(kind)  # noqa: S311  nothing secret
    for back in range(DAYS, 0, -1):
        if dice.random() < 0.3:
            continue
        picture, text = LINES[dice.randrange(len(LINES))]
        at = (now - timedelta(days=back)).replace(hour=dice.choice((8, 12, 17, 19)), minute=dice.randrange(60))
        likes = int((40 + 3 * (DAYS - back)) * dice.uniform(0.5, 1.7))
        counters: dict[str, Any] = {"likes": likes, "comments": likes // dice.randrange(6, 14)}
        if kind == FACEBOOK:
            counters |= {"shares": likes // dice.randrange(9, 30), "reactions": {"LIKE": likes, "LOVE": likes // 5}}
        yield {
            "kind": "photo",
            "message": text,
            "picture": f"/media/{picture}",
            "published_at": at.isoformat(),
            **counters,
        }
