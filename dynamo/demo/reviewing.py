"""The demo's reviewer at work: approving through the desk's own pages, as a person does."""

import time
from collections.abc import Iterator
from datetime import datetime

from dynamo.demo.browser import Browser

LOOKED_AT_WITHIN = 60.0  # seconds


def approve(browser: Browser, admin: str, post: str, *, at_once: bool = False, when: datetime | None = None) -> None:
    """Open the post's review page and approve what it shows, for its instant, for `when` (UTC), or at once.

    The browser is signed in. While a worker still looks at the media the page offers no approval: that is waited for.
    Raises LookupError when the page offers none after all, or refuses it.
    """
    here = f"{admin}scheduling/scheduledpost/{post}/"
    until = time.monotonic() + LOOKED_AT_WITHIN
    while "data-awaits" in browser.open(f"{here}review/") and time.monotonic() < until:
        time.sleep(0.3)
    form = next((one for one in browser.forms() if "digest" in one.fields), None)
    if form is None:
        raise LookupError(f"the review page of {post} offers no approval")
    form.action = f"{here}publish/" if at_once else f"{here}approve/"
    browser.send(form, {"when": f"{when:%Y-%m-%dT%H:%M:%S}"} if when else {})
    if browser.url.endswith(("/approve/", "/publish/")):
        raise LookupError(f"the desk did not approve {post}")


def statuses(posts: list[str]) -> Iterator[str]:
    """Yield the state of each post, as the database has it."""
    from scheduling.models import ScheduledPost

    yield from ScheduledPost.objects.filter(pk__in=posts).values_list("status", flat=True)
