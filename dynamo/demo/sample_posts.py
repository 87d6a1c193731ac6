"""The posts of the demo's organization, a guest house by the sea."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

FACEBOOK, INSTAGRAM = "FB_PAGE", "INSTAGRAM_ACCOUNT"


@dataclass(frozen=True)
class SamplePost:
    """A post to seed: `texts` by channel type, `due` from now.

    `outcome` is the status that it reaches: draft, waiting and rejected without an approval; scheduled, published and
    failed with the approval of the demo's reviewer.
    """

    outcome: str
    media: str | None
    texts: dict[str, str]
    due: timedelta | None
    by_agent: bool = True
    superpower: bool = False
    notes: str = ""

    @property
    def needs_approval(self) -> bool:
        return self.outcome in {"scheduled", "published", "failed"}


def both(text: str, hashtags: str) -> dict[str, str]:
    """Return the text for both channels; the hashtags are for Instagram only."""
    return {FACEBOOK: text, INSTAGRAM: f"{text}\n\n{hashtags}"}


SAMPLE_POSTS = (
    SamplePost(
        "published",
        "terrace.jpg",
        both("The terrace is open again. Coffee from seven, the sea from always. ☕", "#casadosol #algarve #coffee"),
        timedelta(minutes=20),
    ),
    SamplePost(
        "published",
        "kitchen.jpg",
        {FACEBOOK: "Today in the kitchen: grilled sardines, new potatoes, and Rita's almond cake for all who stay."},
        timedelta(minutes=20),
        by_agent=False,
    ),
    SamplePost(
        "failed",
        "boats.jpg",
        {FACEBOOK: "The boats are back early this morning. Dinner will be what they brought."},
        timedelta(minutes=20),
    ),
    SamplePost(
        "scheduled",
        "harbour.jpg",
        both("Saturday, 19:00: live fado in the harbour, five minutes on foot from us. 🎶", "#fado #olhao #weekend"),
        timedelta(hours=26),
    ),
    SamplePost(
        "scheduled",
        "breakfast.jpg",
        {INSTAGRAM: "Breakfast, slowly. 🍊\n\n#casadosol #breakfast #slowtravel"},
        timedelta(days=3),
        by_agent=False,
    ),
    SamplePost(
        "waiting",
        "sunset.jpg",
        both("Golden hour from room 4. Two nights in June are still free: write to us.", "#casadosol #sunset #algarve"),
        timedelta(minutes=6),
        superpower=True,
    ),
    SamplePost(
        "waiting",
        "lighthouse.jpg",
        both("A walk for tomorrow: the lighthouse and back, 8 km, flat, ice cream half-way. 🍦", "#algarve #walking"),
        timedelta(minutes=15),
    ),
    SamplePost(
        "waiting",
        "market.jpg",
        {FACEBOOK: "Market day! Figs, goat's cheese, and the man who sells only brooms. Until 13:00, by the church."},
        timedelta(hours=20),
        by_agent=False,
    ),
    SamplePost(
        "rejected",
        "pool.jpg",
        both("BOOK NOW!!! Best pool in Portugal, guaranteed!!!", "#best #cheap #wow"),
        timedelta(days=1),
        notes="We do not shout, and we cannot guarantee that. Say what the pool is like at eight in the morning.",
    ),
    SamplePost("draft", "garden.jpg", both("The lemon trees are in flower.", "#garden"), timedelta(days=5)),
    SamplePost("draft", None, {FACEBOOK: "Idea: a post about the cat."}, None, by_agent=False),
    SamplePost(
        "scheduled",
        "terrace.jpg",
        both(
            "Sunday's table: whatever the market had, for as many as come. From one o'clock. 🍋", "#casadosol #sunday"
        ),
        timedelta(days=6, hours=5),
    ),
    SamplePost(
        "waiting",
        "kitchen.jpg",
        both("Rita's almond cake, the recipe: no flour, four eggs, and patience. In full in the comments.", "#recipe"),
        timedelta(days=2, hours=8),
    ),
    SamplePost(
        "waiting",
        "boats.jpg",
        {INSTAGRAM: "Monday, six o'clock, the harbour wakes up. Come along: the coffee is on us. ⚓"},
        timedelta(days=9, hours=2),
    ),
    SamplePost(
        "draft", "lighthouse.jpg", both("The lighthouse opens its stairs again.", "#algarve"), timedelta(days=12)
    ),
)

EARLIER_DAYS = 28
EARLIER_TEXTS = (
    ("terrace.jpg", "Breakfast is on the terrace until eleven, and we do not count the minutes."),
    ("market.jpg", "Figs, almonds, and a melon that did not fit into the basket."),
    ("boats.jpg", "The boats came in with sardines. So did half the village."),
    ("garden.jpg", "The first lemons. Rita has plans for all of them."),
    ("sunset.jpg", "Ten past six, from the roof. No filter, no wind."),
    ("lighthouse.jpg", "Eight kilometres to the lighthouse and back; the ice cream is half-way."),
    ("kitchen.jpg", "Almond cake, before and shortly after four o'clock."),
    ("harbour.jpg", "A guitar in the harbour until late. Thank you, stranger."),
    ("pool.jpg", "The pool at eight in the morning: you, and one swallow."),
)


def earlier_posts(channel_type: str, now: datetime) -> Iterator[dict[str, Any]]:
    """Yield posts of the last four weeks, oldest first, as items for the sandbox's POST /__posts.

    The result depends only on the channel type and the day.
    """
    random = Random(channel_type)  # noqa: S311  nothing secret
    for days_ago in range(EARLIER_DAYS, 0, -1):
        if random.random() < 0.3:
            continue
        image, text = EARLIER_TEXTS[random.randrange(len(EARLIER_TEXTS))]
        at = (now - timedelta(days=days_ago)).replace(hour=random.choice((8, 12, 17, 19)), minute=random.randrange(60))
        likes = int((40 + 3 * (EARLIER_DAYS - days_ago)) * random.uniform(0.5, 1.7))
        counters: dict[str, Any] = {"likes": likes, "comments": likes // random.randrange(6, 14)}
        if channel_type == FACEBOOK:
            counters |= {"shares": likes // random.randrange(9, 30), "reactions": {"LIKE": likes, "LOVE": likes // 5}}
        yield {
            "kind": "photo",
            "message": text,
            "picture": f"/media/{image}",
            "published_at": at.isoformat(),
            **counters,
        }
