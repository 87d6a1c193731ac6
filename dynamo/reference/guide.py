"""What a newcomer needs beside the operations: how to sign, the lifecycle, limits. The numbers are those in force."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings

from accounts.api.authentication import AHEAD, OLDEST
from accounts.api.counting import WINDOW
from accounts.domain.signing import sign, whole
from accounts.models import Scope
from scheduling.lifecycle import Status
from scheduling.models import ScheduledPost

DATE, HTTP_DATE = "2026-05-30T13:00:00.000Z", "Sat, 30 May 2026 13:00:00 GMT"
PLAIN = [("test-secret", DATE), ("test-secret", HTTP_DATE), ("s3cr3t-ключ", DATE)]
FULL = [
    ("GET", "/v1/posts?limit=5", DATE, ""),
    ("POST", "/v1/scheduled-posts", DATE, '{"brief":"Olá 👋"}'),
    ("GET", "/v1/posts/caf%C3%A9?mediumId=FB_PAGE_1&q=ol%C3%A1+%F0%9F%91%8B", HTTP_DATE, ""),
]
KEY, PERSON, WORKER = "a key, or a person", "a person, in the app", "a worker"
# Who takes a step of the lifecycle, and the operation by which a key does.
WHO = {
    "submit": (KEY, "post-scheduled-posts-submit-for-approval"),
    "reject": (KEY, "post-scheduled-posts-reject"),
    "redraft": (KEY, "patch-scheduled-posts-one"),
    "revert": (KEY, "post-scheduled-posts-revert"),
    "approve": (PERSON, ""),
    "retry": (PERSON, ""),
    "settle": (PERSON, ""),
    "claim": (WORKER, ""),
    "succeed": (WORKER, ""),
    "fail": (WORKER, ""),
}
MEANS = {
    Status.DRAFT: "being written",
    Status.WAITING_FOR_APPROVAL: "a reviewer decides",
    Status.SCHEDULED: "approved; goes out at its instant",
    Status.PUBLISHING: "a worker has it",
    Status.PUBLISHED: "live on every channel",
    Status.REJECTED: "sent back with notes",
    Status.FAILED: "not live everywhere; a person decides",
}
USES = {
    Scope.READ: "every GET",
    Scope.DRAFT: "creating, changing and deleting scheduled posts, and handing them over",
    Scope.QUEUE: "reject and revert",
}


@dataclass(frozen=True)
class Step:
    """A step from one state to another, who takes it, and where a key does."""

    name: str
    source: str
    target: str
    who: str
    anchor: str


def steps() -> list[Step]:
    """Return the lifecycle's steps, in the order of its states."""
    states: Any = ScheduledPost._meta.get_field("status")
    order = list(Status)
    found = {(str(one.source), str(one.target), str(one.name)) for one in states.get_all_transitions(ScheduledPost)}
    ordered = sorted(found, key=lambda one: (order.index(Status(one[0])), order.index(Status(one[1]))))
    return [Step(name, source, target, *WHO[name]) for source, target, name in ordered]


def facts() -> dict[str, Any]:
    """Return what the chapters say."""
    return {
        "states": [(str(state), means) for state, means in MEANS.items()],
        "steps": steps(),
        "plain": [(secret, date, sign(secret, date)) for secret, date in PLAIN],
        "full": [(*one, sign("test-secret", _message(*one))) for one in FULL],
        "oldest": int(OLDEST.total_seconds()),
        "ahead": int(AHEAD.total_seconds()),
        "scopes": [(scope.value, uses) for scope, uses in USES.items()],
        "window": WINDOW,
        "per_key": settings.API_RATE_PER_MINUTE,
        "per_address": settings.API_RATE_PER_ADDRESS,
        "failures": settings.SIGNATURE_FAILURES_PER_MINUTE,
        "limit_headers": _limit_headers(),
        "largest": settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 1024**2,
    }


def _limit_headers() -> str:
    quotas = {"address": settings.API_RATE_PER_ADDRESS, "key": settings.API_RATE_PER_MINUTE}
    policy = ", ".join(f'"{name}";q={quota};w={WINDOW}' for name, quota in quotas.items() if quota)
    left = ", ".join(f'"{name}";r={quota - 29};t=23' for name, quota in quotas.items() if quota)
    return f"RateLimit-Policy: {policy}\nRateLimit: {left}\n" if policy else "There is no limit here."


def _message(method: str, target: str, date: str, body: str) -> str:
    return whole(method=method, target=target, date=date, body=body.encode())
