"""Reading all that a Page has published, once undisturbed and once killed time and again: the same rows?"""

import os
import random
import sys
import time
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from accounts import crypto
from accounts.models import Organization
from posts.models import Channel, ChannelSync, PublishedPost
from tests.benchmarks.report import Figure
from tests.chaos.environment import Child, Stage
from tests.services.sandbox import PlatformAccount

PAGE = PlatformAccount("FB_PAGE", "720000000000001", "Imported", "token-of-the-imported-page")
KINDS = ["photo", "photo", "text", "link", "photo", "video", "album"]  # a reel is a call of its own
AT_ONCE = 10_000
LEASE = "4"  # seconds: what a killed run leaves behind is waited for
PATIENCE = 1800.0
COLUMNS = (
    "platform_id", "type", "caption", "media_url", "media_type", "thumbnail_url", "permalink", "published_at", "likes",
    "comments", "shares", "reactions", "superpower", "scheduled_post_id", "missing_since", "deleted_at",
)  # fmt: skip


def measure(stage: Stage, count: int, kills: int) -> list[Figure]:
    """Return the figures: two organizations have connected the same Page, and one of them is disturbed."""
    stage.sandbox.register(PAGE)
    for made in range(0, count, AT_ONCE):
        order = {"account": PAGE.id, "count": min(AT_ONCE, count - made), "seed": made + 1, "kinds": KINDS}
        stage.sandbox.call("POST", "/__posts", order)
    calm, disturbed = _connected("Calm"), _connected("Disturbed")
    began = time.monotonic()
    _run(stage, calm)
    took = time.monotonic() - began
    began = time.monotonic()
    seen = _disturb(stage, disturbed, count, kills)
    longer = time.monotonic() - began
    same, rows, names = _compared(calm, disturbed)
    return [
        Figure(f"import of {count:,} posts, undisturbed", "-", "-", f"{took:.0f} s, {count / took:,.0f}/s"),
        Figure(
            f"  killed {len(seen)} times",
            "-",
            "the same rows",
            f"{rows:,} rows, {names:,} ids, {'all the same' if same else 'NOT THE SAME'}, {longer:.0f} s",
            same and rows == names == count and len(seen) == kills,
        ),
        Figure("  killed after so many posts", "-", "-", ", ".join(f"{one / 1000:.1f}k" for one in seen)),
    ]


def _connected(name: str) -> Channel:
    organization = Organization.objects.create(name=name)
    return Channel.objects.create(
        organization=organization, wire_id=PAGE.wire_id, type=PAGE.type, platform_id=PAGE.id, name=PAGE.name,
        token_encrypted=crypto.encrypt(PAGE.token),
    )  # fmt: skip


def _child(stage: Stage, channel: Channel) -> Child:
    words = [sys.executable, "manage.py", "sync_channel", channel.wire_id, "--organization", channel.organization.name]
    return Child("sync", words, {**os.environ, "DYNAMO_SYNC_LEASE": LEASE}, stage.folder / "sync.log")


def _run(stage: Stage, channel: Channel) -> None:
    """Read to the end. Raises RuntimeError when that fails."""
    child = _child(stage, channel)
    child.start()
    if child.process is None or child.process.wait(PATIENCE):
        raise RuntimeError(f"sync_channel failed: {child.log.read_text(encoding='utf-8')[-500:]}")


def _disturb(stage: Stage, channel: Channel, count: int, kills: int) -> list[int]:
    """Kill the reading `kills` times, spread over its way; let it end then. Return how far it was each time."""
    dice, seen = random.Random(4), []
    until = time.monotonic() + PATIENCE
    for number in range(kills):
        child = _child(stage, channel)
        child.start()
        while _read(channel) < count * (number + 1) // (kills + 1):
            if time.monotonic() > until or child.process is None or child.process.poll() is not None:
                raise RuntimeError("the reading ended, or stood still, before it was killed")
            time.sleep(0.02)
        time.sleep(dice.uniform(0, 0.3))  # anywhere between two steps
        child.kill()
        seen.append(_read(channel))
    _run(stage, channel)
    return seen


def _read(channel: Channel) -> int:
    return ChannelSync.objects.filter(pk=channel.pk).values_list("read", flat=True).first() or 0


def _compared(one: Channel, other: Channel) -> tuple[bool, int, int]:
    """Return whether the rows are the same, how many the other has, and of how many ids."""
    mine = PublishedPost.objects.filter(channel=other)
    same = all(a == b for a, b in zip_longest(_rows(one), _rows(other)))
    return same, mine.count(), mine.values("platform_id").distinct().count()


def _rows(channel: Channel) -> Iterator[tuple[Any, ...]]:
    return PublishedPost.objects.filter(channel=channel).order_by("platform_id").values_list(*COLUMNS).iterator(5000)
