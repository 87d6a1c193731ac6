"""Disk, memory and connections by posts a day, for posts on one channel each. docs/scaling.md has the measurements.

GB and KB are powers of ten.
"""

from dataclasses import dataclass
from math import ceil

YEAR = 365  # days
# Bytes in the database for each post, with indexes.
AUDIT_EVENTS = 5_700
SEALS = 1_750
POST = 2_900  # with its delivery, approval, attempt and author
PUBLISHED_POST = 1_500  # with its media file
API_EVENTS, API_EVENT_DAYS = 3_700, 30
NOTIFICATIONS, NOTIFICATION_DAYS = 550, 90

PEAK = 10  # times the average
SECONDS_EACH = 2  # that a post occupies a publishing slot
SLOTS_EACH = 8  # threads of a worker
BACKGROUND_WORKERS = 1
WEB_SERVERS = 2
PROCESS_MEMORY = 150_000_000  # bytes: a worker, beat, a process of a web server
CONNECTION_MEMORY = 5_000_000  # bytes of PostgreSQL


@dataclass(frozen=True)
class Capacity:
    """What an installation needs. Sizes in bytes, after a year; the workers' slots at the peak."""

    database: int
    media: int
    publishing_workers: int
    slots: int
    memory: int
    connections: int


def needed(posts: int, *, image: int, audit_days: int, web_workers: int, web_threads: int) -> Capacity:
    """Return what `posts` a day need with images of `image` bytes and audit events that are kept for `audit_days`.

    No post is archived, and each has an image of its own. `web_workers`, `web_threads`: of each web server.
    """
    kept = YEAR * (SEALS + POST + PUBLISHED_POST) + min(audit_days, YEAR) * AUDIT_EVENTS
    passing = API_EVENT_DAYS * API_EVENTS + NOTIFICATION_DAYS * NOTIFICATIONS
    busy = posts * SECONDS_EACH * PEAK / 86_400
    # One more, so that the others manage while it restarts, where the peak needs more than one slot.
    publishing = ceil(busy / SLOTS_EACH) + (busy > 1)
    return Capacity(
        database=posts * (kept + passing),
        media=posts * YEAR * image,
        publishing_workers=publishing,
        slots=publishing * SLOTS_EACH,
        memory=memory(publishing, web_workers, web_threads),
        connections=connections(publishing, web_workers, web_threads),
    )


def connections(publishing: int, web_workers: int, web_threads: int) -> int:
    """Return how many connections to PostgreSQL are open: one of each thread, and one of each worker and of beat."""
    workers = publishing + BACKGROUND_WORKERS
    return WEB_SERVERS * web_workers * web_threads + workers * SLOTS_EACH + workers + 1


def memory(publishing: int, web_workers: int, web_threads: int) -> int:
    processes = publishing + BACKGROUND_WORKERS + 1 + WEB_SERVERS * web_workers
    return processes * PROCESS_MEMORY + connections(publishing, web_workers, web_threads) * CONNECTION_MEMORY


def format_bytes(size: int) -> str:
    """Return 0.4 GB, 4.5 GB, 45 GB or 1,200 GB; below 0.1 GB in MB."""
    if size < 100_000_000:
        return f"{size / 1e6:,.1f} MB" if size < 10_000_000 else f"{size / 1e6:,.0f} MB"
    return f"{size / 1e9:,.1f} GB" if size < 10_000_000_000 else f"{size / 1e9:,.0f} GB"
