"""May this post go to the reviewers, or out? Asked at submission, at every edit while it waits, and at approval."""

from datetime import datetime

from accounts import clock
from accounts.errors import Invalid
from scheduling.domain.validation import ChannelLine, violations
from scheduling.models import Delivery, ScheduledPost


def must_be_publishable(
    post: ScheduledPost, deliveries: list[Delivery], *, instant: datetime | None = None, at_once: bool = False
) -> None:
    """Raise Invalid, with every violation in its details, unless the post passes full publish validation."""
    found = violations(
        type=post.type,
        media=post.media,
        media_type=post.media_type,
        scheduled_for=instant or post.scheduled_for,
        channels=[
            ChannelLine(one.channel.wire_id, one.channel.type, one.channel.name, one.caption) for one in deliveries
        ],
        now=clock.now(),
        media_facts=post.media_facts,
        instant_is_now=at_once,
    )
    if found:
        raise Invalid(found[0].message, [one.as_wire() for one in found])
