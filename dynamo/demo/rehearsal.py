"""What the reviewer does before the curtain rises: the approvals that some of the seeds need."""

import time
from collections.abc import Callable
from typing import Any

from dynamo.demo import kept, seeds
from dynamo.demo.browser import Browser
from dynamo.demo.reviewing import approve, statuses
from scheduling.lifecycle import Status

SETTLE_WITHIN = 60.0  # seconds
ENDS = {Status.PUBLISHED, Status.FAILED}


def rehearse(admin: str, sandbox: str, credentials: dict[str, Any], *, tend: Callable[[], None]) -> None:
    """Approve what `to_do` names, at the first start only; wait until what goes out at once has gone out.

    `tend` is called while waiting. The one that is to fail does so because the sandbox was told to refuse it.
    """
    to_do = credentials.get("to_do", [])
    if not to_do:
        return
    browser = Browser()
    browser.sign_in(admin, **credentials["reviewer"])
    by_outcome: dict[str, list[str]] = {}
    for one in to_do:
        by_outcome.setdefault(one["outcome"], []).append(one["post"])
    for post in by_outcome.get("scheduled", []):
        approve(browser, admin, post)
    for outcome in ("published", "failed"):
        posts = by_outcome.get(outcome, [])
        if outcome == "failed":
            refusal = {"route": "POST /[0-9]+/feed", "fault": "error", "code": 100, "status": 400}
            seeds.tell_sandbox(sandbox, "POST", "/__faults", refusal)
        for post in posts:
            approve(browser, admin, post, at_once=True)
        _wait_for(posts, tend)
    seeds.tell_sandbox(sandbox, "DELETE", "/__faults")
    credentials.pop("to_do")
    kept.write(kept.kept_file(), credentials)


def _wait_for(posts: list[str], tend: Callable[[], None]) -> None:
    until = time.monotonic() + SETTLE_WITHIN
    while not ENDS.issuperset(statuses(posts)) and time.monotonic() < until:
        tend()
        time.sleep(0.2)
