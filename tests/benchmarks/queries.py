"""How many queries one publish takes, from loading the post for its message to the end."""

import time
from datetime import timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import clock
from scheduling.domain import publishing, staging
from scheduling.models import ScheduledPost
from tests.benchmarks.publish_series import Press
from tests.benchmarks.report import Figure

WITHOUT = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK")


def measure(press: Press, sizes: tuple[int, ...]) -> list[Figure]:
    """Publish in this process, while no worker runs, a post on so many channels each, staged ahead."""
    figures = []
    for channels in sizes:
        statements = one(press, channels)
        after = len(statements) - 1  # the first is the read that comes before the claim
        figures.append(
            Figure(
                f"queries per published channel, post on {channels}",
                "-",
                "<= 8, constant",
                f"{after / channels:g} claim to done ({after} in all, and 1 to load)",
                after / channels <= 8,
            )
        )
    return figures


def one(press: Press, channels: int) -> list[str]:
    """Return the statements of one publish; transaction control is left out."""
    instant = clock.now() + timedelta(seconds=1)
    post = ScheduledPost.objects.get(pk=press.ids(press.make([instant], channels=channels))[0])
    if staging.stage_ahead(str(post.pk)) != channels:
        raise RuntimeError("not everything was staged")
    time.sleep(max(0.0, (instant - clock.now()).total_seconds()))
    with CaptureQueriesContext(connection) as captured:
        word = publishing.publish(str(post.pk), str(post.task_id))
    if word != "published":
        raise RuntimeError(f"the publish said {word}")
    # Of a statement that is prepared the driver may not know the text; it counts all the same.
    said = [one["sql"] or "prepared" for one in captured.captured_queries]
    return [one for one in said if not one.startswith(WITHOUT)]
