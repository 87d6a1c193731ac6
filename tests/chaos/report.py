"""Compares what Dynamo stored with what became visible according to the platform's own record."""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from posts.domain import media_store
from posts.graph.media import file_sha256
from scheduling.models import DeliveryState, ScheduledPost
from tests.chaos.scenarios import Plan

LEAST = 0.5  # of all that was planned; a machine that is too slow to make it has shown nothing
COLUMNS = (
    "not made", "deliveries", "once", "twice", "unapproved", "altered", "other media", "failed", "unknown", "reverted",
    "not approved", "lost", "false", "denied",
)  # fmt: skip
MARK = re.compile(r"post #(\d+) of run (\w+)")


@dataclass
class Row:
    """One phase, counted in deliveries (a post on a channel)."""

    phase: str
    planned: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    BAD = ("twice", "unapproved", "altered", "other media", "lost", "false", "denied")


def judge(
    plan: Plan, *, run: str, posts: dict[int, str], reverted: set[int], record: list[dict[str, Any]]
) -> list[Row]:
    """Compare. `posts` maps plan numbers to scheduled post ids, `record` is the sandbox's list of visible posts.

    once/twice: visible that many times (or more); unapproved: visible although it was reverted before its claim, or was
    never approved; altered: visible with another text than the approved one; other media: visible with other bytes than
    those that are stored, shown to the reviewer and covered by the approval; failed/unknown: settled so, with a reason;
    lost: neither visible nor settled with a reason; false: stored as published and not visible; denied: stored as
    failed and visible, so that a person would send it again.
    """
    visible: dict[tuple[int, str], list[dict[str, Any]]] = defaultdict(list)
    strangers = []
    for item in record:
        mark = MARK.search(item["message"] or "")
        if mark is None or mark.group(2) != run:
            strangers.append(item)
            continue
        visible[int(mark.group(1)), str(item["account"])].append(item)
    rows = {phase: Row(phase) for phase in plan.phases}
    found = ScheduledPost.objects.filter(pk__in=posts.values()).select_related("media_file")
    by_id = {str(post.pk): post for post in found.prefetch_related("deliveries__channel", "approvals", "media_items")}
    for planned in plan.posts:
        row = rows[planned.phase]
        row.planned += 1
        if planned.number not in posts:
            row.counts["not made"] += 1
            continue
        post = by_id[posts[planned.number]]
        for delivery in post.deliveries.all():
            seen = visible.pop((planned.number, delivery.channel.platform_id), [])
            _judge_one(row, planned.number, post, delivery, seen, was_reverted=planned.number in reverted)
    for (number, account), seen in visible.items():
        rows[plan.posts[number].phase].counts["unapproved"] += len(seen)
        rows[plan.posts[number].phase].notes.append(f"#{number} is visible on {account}, where it was not to go")
    if strangers:
        rows[plan.phases[-1]].counts["unapproved"] += len(strangers)
        rows[plan.phases[-1]].notes.append(f"{len(strangers)} visible posts that were not planned")
    return list(rows.values())


def _judge_one(
    row: Row, number: int, post: Any, delivery: Any, seen: list[dict[str, Any]], *, was_reverted: bool
) -> None:
    counts, channel = row.counts, delivery.channel.public_id
    counts["deliveries"] += 1
    if was_reverted:
        counts["reverted"] += 1
        if seen:
            counts["unapproved"] += len(seen)
            row.notes.append(f"#{number} went live on {channel} although its revert had succeeded")
        return
    if not post.approvals.all():
        # The crowd came too late to approve it in time, or never got through: nothing was promised.
        counts["unapproved"] += len(seen)
        counts["not approved"] += not seen
        return
    texts = {approval.content["channels"].get(channel, {}).get("caption") for approval in post.approvals.all()}
    if any(item["message"] not in texts for item in seen):
        counts["altered"] += 1
        row.notes.append(f"#{number} is visible on {channel} with a text that was not approved")
    if any(not _shows_approved_bytes(post, item) for item in seen):
        counts["other media"] += 1
        row.notes.append(f"#{number} is visible on {channel} with other bytes than the approved ones")
    if len(seen) > 1:
        counts["twice"] += 1
        came = ", ".join(f"{item['created_by']['received_at']} (there {item['published_at']})" for item in seen)
        row.notes.append(f"#{number} is visible {len(seen)} times on {channel}, asked for at {came}")
    elif seen:
        counts["once"] += 1
        if delivery.state == DeliveryState.UNKNOWN:
            counts["unknown"] += 1
        elif delivery.state != DeliveryState.PUBLISHED:
            counts["denied"] += 1
            row.notes.append(
                f"#{number} is visible on {channel}, and {delivery.state or 'pending'}: {delivery.error_code}"
            )
    else:
        _judge_absent(row, number, post, delivery)


def _shows_approved_bytes(post: Any, item: dict[str, Any]) -> bool:
    """Whether the platform's pictures are the stored ones, byte by byte and in order, and an approval covers them.

    Of a carousel their alternative texts as well.
    """
    if post.media_file is None:
        return not item["media_sha256"]
    approvals = list(post.approvals.all())
    if post.items:
        shown = [(each["media_sha256"], each["alt_text"]) for each in item["items"]]
        stored = [(_stored_sha256(row.media_file), row.alt_text) for row in post.items]
        covered = [
            [(each["mediaSha256"], each["altText"]) for each in approval.content.get("mediaItems", [])]
            for approval in approvals
        ]
        return shown == stored and stored in covered
    sha256 = _stored_sha256(post.media_file)
    return item["media_sha256"] == sha256 and sha256 in {approval.content["mediaSha256"] for approval in approvals}


def _stored_sha256(media_file: Any) -> str:
    with media_store.open_stored(media_file) as file:
        return file_sha256(file)[0]


def _judge_absent(row: Row, number: int, post: Any, delivery: Any) -> None:
    counts, channel = row.counts, delivery.channel.public_id
    if delivery.state == DeliveryState.PUBLISHED:
        counts["false"] += 1
        row.notes.append(f"#{number} is published on {channel} and not visible")
    elif delivery.state == DeliveryState.FAILED and delivery.error_message:
        counts["failed"] += 1
        row.notes.append(f"#{number} failed on {channel}: {delivery.error_code} {delivery.error_message}")
    elif delivery.state == DeliveryState.UNKNOWN and delivery.error_message:
        counts["unknown"] += 1
    else:
        counts["lost"] += 1
        row.notes.append(f"#{number} on {channel}: post {post.status}, delivery {delivery.state!r}")


def table(rows: list[Row]) -> str:
    """Return the table that a fault run prints, a line a phase and the sum."""
    total = Row("all")
    for row in rows:
        total.counts += row.counts
    lines = [f"{'fault':<24}" + "".join(f"{name:>13}" for name in COLUMNS)]
    lines += [f"{row.phase:<24}" + "".join(f"{row.counts[name]:>13}" for name in COLUMNS) for row in [*rows, total]]
    return "\n".join(lines)


def broken(rows: list[Row]) -> list[str]:
    """Return a line for every promise that did not hold, or that too little was there to hold; empty when all did."""
    wrong = [f"{row.phase}: {row.counts[name]} {name}" for row in rows for name in Row.BAD if row.counts[name]]
    tried = {row.phase: row.counts["deliveries"] - row.counts["not approved"] for row in rows}
    wrong += [
        f"{phase}: no post was approved in time, which proves nothing" for phase, count in tried.items() if not count
    ]
    planned = sum(row.planned for row in rows)
    if sum(tried.values()) < planned * LEAST:
        wrong.append(f"all: {sum(tried.values())} of {planned} posts were approved in time, which proves nothing")
    return wrong
