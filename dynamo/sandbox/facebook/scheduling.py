"""When a Page's new post becomes visible: at once, never, or at a scheduled instant."""

from dynamo.sandbox.errors import Refusal, invalid
from dynamo.sandbox.http import Request
from dynamo.sandbox.settings import Settings
from dynamo.sandbox.state import now

SHORTEST = 600  # seconds: ten minutes is documented everywhere


def visibility(request: Request, settings: Settings) -> tuple[float | None, float | None]:
    """Return (visible_at, scheduled_for). Raises 100 when the parameters contradict or miss the window."""
    published = request.params.flag("published", default=True)
    scheduled = request.params.instant("scheduled_publish_time")
    if scheduled is None:
        return (now() if published else None), None
    if published:
        raise invalid("You cannot specify a scheduled publish time on a published post")
    check_window(scheduled, settings)
    return scheduled, scheduled


def check_window(scheduled: float, settings: Settings) -> None:
    ahead = scheduled - now()
    if not SHORTEST <= ahead <= settings.schedule_days * 86400:
        raise Refusal(
            100,
            "(#100) The specified scheduled publish time is invalid.",
            subcode=1363115,
            title="Invalid scheduled publish time",
            user="The time must be between 10 minutes and 30 days from now.",
        )
