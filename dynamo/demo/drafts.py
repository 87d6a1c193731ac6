"""What the demo's organization has written: a small guest house by the sea, and its agent."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

FACEBOOK, INSTAGRAM = "FB_PAGE", "INSTAGRAM_ACCOUNT"


@dataclass(frozen=True)
class Plan:
    """A post to seed: its texts by channel type, its picture, when it is due, and how far it gets.

    `outcome`: draft, waiting and rejected are reached by the author and the agent alone. The others need a person's
    approval, so the demo's reviewer gives it through the desk: scheduled, published, failed.
    """

    outcome: str
    media: str | None
    texts: dict[str, str]
    due: timedelta | None
    by_agent: bool = True
    type: str = "POST"
    superpower: bool = False
    notes: str = ""


def both(text: str, hashtags: str) -> dict[str, str]:
    """Return the text for both channels; Instagram's ends with hashtags."""
    return {FACEBOOK: text, INSTAGRAM: f"{text}\n\n{hashtags}"}


def plans() -> Iterator[Plan]:
    """Yield the posts, in the order in which they were written."""
    yield Plan(
        "published",
        "terrace.jpg",
        both("The terrace is open again. Coffee from seven, the sea from always. ☕", "#casadosol #algarve #coffee"),
        timedelta(minutes=20),
    )
    yield Plan(
        "published",
        "kitchen.jpg",
        {FACEBOOK: "Today in the kitchen: grilled sardines, new potatoes, and Rita's almond cake for whoever stays."},
        timedelta(minutes=20),
        by_agent=False,
    )
    yield Plan(
        "failed",
        "boats.jpg",
        {FACEBOOK: "The boats are back early this morning. Dinner will be what they brought."},
        timedelta(minutes=20),
    )
    yield Plan(
        "scheduled",
        "harbour.jpg",
        both("Saturday, 19:00: live fado in the harbour, five minutes on foot from us. 🎶", "#fado #olhao #weekend"),
        timedelta(hours=26),
    )
    yield Plan(
        "scheduled",
        "breakfast.jpg",
        {INSTAGRAM: "Breakfast, slowly. 🍊\n\n#casadosol #breakfast #slowtravel"},
        timedelta(days=3),
        by_agent=False,
    )
    yield Plan(
        "waiting",
        "sunset.jpg",
        both("Golden hour from room 4. Two nights in June are still free: write to us.", "#casadosol #sunset #algarve"),
        timedelta(minutes=6),
        superpower=True,
    )
    yield Plan(
        "waiting",
        "lighthouse.jpg",
        both("A walk for tomorrow: the lighthouse and back, 8 km, flat, ice cream half-way. 🍦", "#algarve #walking"),
        timedelta(minutes=15),
    )
    yield Plan(
        "waiting",
        "market.jpg",
        {FACEBOOK: "Market day! Figs, goat's cheese, and the man who sells only brooms. Until 13:00, by the church."},
        timedelta(hours=20),
        by_agent=False,
    )
    yield Plan(
        "rejected",
        "pool.jpg",
        both("BOOK NOW!!! Best pool in Portugal, guaranteed!!!", "#best #cheap #wow"),
        timedelta(days=1),
        notes="We do not shout, and we cannot guarantee that. Say what the pool is like at eight in the morning.",
    )
    yield Plan("draft", "garden.jpg", both("The lemon trees are in flower.", "#garden"), timedelta(days=5))
    yield Plan("draft", None, {FACEBOOK: "Idea: a post about the cat."}, None, by_agent=False)
    yield Plan(
        "scheduled",
        "terrace.jpg",
        both(
            "Sunday's table: whatever the market had, for as many as come. From one o'clock. 🍋", "#casadosol #sunday"
        ),
        timedelta(days=6, hours=5),
    )
    yield Plan(
        "waiting",
        "kitchen.jpg",
        both("Rita's almond cake, the recipe: no flour, four eggs, and patience. In full in the comments.", "#recipe"),
        timedelta(days=2, hours=8),
    )
    yield Plan(
        "waiting",
        "boats.jpg",
        {INSTAGRAM: "Monday, six o'clock, the harbour wakes up. Come along: the coffee is on us. ⚓"},
        timedelta(days=9, hours=2),
    )
    yield Plan(
        "draft", "lighthouse.jpg", both("The lighthouse opens its stairs again.", "#algarve"), timedelta(days=12)
    )
