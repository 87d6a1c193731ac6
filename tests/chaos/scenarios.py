"""What a fault run does, drawn from one seed: which posts, when, and what breaks meanwhile."""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

MEDIA = ("soup", "bread", "coffee", "window", "brunch")
CAROUSELS = 0.35  # of the posts with pictures
COUNTS = (2, 2, 3, 4)  # items of a carousel


@dataclass(frozen=True)
class Planned:
    """One post of the plan: when, on which channels (by index), and whether a user reverts it at the last moment.

    `items`: the pictures of a carousel, of which `described` have an alternative text, as has a single picture then.
    """

    number: int
    phase: str
    instant: datetime
    channels: tuple[int, ...]
    picture: str | None  # None is a link, which a Page alone takes: nothing but its words tells whether it landed
    revert_before: float | None  # seconds before the instant; negative is after
    items: tuple[str, ...] = ()
    described: bool = False


@dataclass
class Plan:
    """The posts of each phase, in the order of the phases; the same seed and start give the same plan."""

    seed: int
    start: datetime
    phase_seconds: float
    phases: list[str]
    posts: list[Planned] = field(default_factory=list)

    def begins(self, phase: str) -> datetime:
        return self.start + timedelta(seconds=self.phases.index(phase) * self.phase_seconds)


def draw(*, seed: int, start: datetime, phases: list[str], posts: int, channels: int, phase_seconds: float) -> Plan:
    """Return the plan: `posts` in all, spread over the phases, a third of each phase at one and the same instant."""
    dice = random.Random(seed)
    plan = Plan(seed, start, phase_seconds, phases)
    each = max(1, posts // len(phases))
    for phase in phases:
        begin = plan.begins(phase)
        burst = begin + timedelta(seconds=phase_seconds * dice.uniform(0.2, 0.6))
        for number in range(each):
            spread = begin + timedelta(seconds=phase_seconds * dice.uniform(0.05, 0.75))
            chosen = tuple(dice.sample(range(channels), 2 if dice.random() < 0.1 else 1))
            link = all(item % 2 == 0 for item in chosen) and dice.random() < 0.5
            carousel = not link and dice.random() < CAROUSELS
            plan.posts.append(
                Planned(
                    number=len(plan.posts),
                    phase=phase,
                    instant=burst if number % 3 == 0 else spread,
                    channels=chosen,
                    picture=None if link else dice.choice(MEDIA),
                    revert_before=dice.uniform(-0.3, 0.6) if phase == "revert race" and dice.random() < 0.6 else None,
                    items=tuple(dice.choices(MEDIA, k=dice.choice(COUNTS))) if carousel else (),
                    described=dice.random() < 0.5,
                )
            )
    return plan
