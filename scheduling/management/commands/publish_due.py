"""Publish due posts without a broker, or list what would be published."""

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import clock
from scheduling.domain.publishing import gate, hold, payload
from scheduling.domain.publishing.lease import load_post
from scheduling.domain.publishing.run import publish_inline
from scheduling.models import Delivery, ScheduledPost


class Command(BaseCommand):
    help = "Publish due posts in this process, without broker and workers; --dry-run only lists them"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="list what would be published; change nothing")
        parser.add_argument("--within", type=float, default=0.0, metavar="SECONDS", help="look ahead (dry run only)")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            self._list_or_publish(options)
        except hold.Unverified as error:
            raise CommandError(f"{error} Nothing is published until it does.") from None

    def _list_or_publish(self, options: dict[str, Any]) -> None:
        if options["dry_run"]:
            self._list(options["within"])
        elif options["within"]:
            raise CommandError("--within requires --dry-run: nothing is published before its scheduled time")
        else:
            self._publish()

    def _list(self, within: float) -> None:
        due = publishable = 0
        for pk in ScheduledPost.objects.due(within).values_list("pk", flat=True):
            if (loaded := load_post(str(pk))) is not None:
                due += 1
                publishable += self._write_forecast(*loaded)
        self.stdout.write(f"{publishable} of {due} would be published." if due else "Nothing is due.")

    def _write_forecast(self, post: ScheduledPost, deliveries: list[Delivery]) -> bool:
        """Write what publishing the post would do; return whether it would be published on a channel."""
        assert post.scheduled_for is not None  # noqa: S101  a due post has a scheduled time
        away = (post.scheduled_for - clock.now()).total_seconds()
        when = f"in {away:.0f} s" if away > 0 else f"{-away:.0f} s ago"
        self.stdout.write(f"{post.scheduled_for:%Y-%m-%d %H:%M:%S} UTC ({when})  {post.pk}")
        state = hold.current()
        stopped = state.hold_reason if state.held_at is not None else hold.pause_reason(state, post.organization)
        obstacle = stopped or _obstacle(gate.authorize, post, deliveries)
        if gate.is_past_late_limit(post):
            obstacle = "{}: {}".format(*gate.MISSED)
        self.stdout.write(f"    gate: {obstacle or 'open'}")
        covered = post.approval.content["channels"] if post.approval else {}
        publishable = False
        for delivery in deliveries:
            channel = delivery.channel
            if channel.public_id not in covered:
                continue
            staged = "staged" if payload.is_staged(delivery, post.approved_digest) else "not staged"
            problem = _obstacle(gate.ensure_channel_connected, delivery)
            result = problem or ("refused by the gate" if obstacle else "would be published")
            publishable = publishable or result == "would be published"
            self.stdout.write(f"    {channel.public_id} {channel.name}: {staged}; {result}")
        return publishable

    def _publish(self) -> None:
        results = []
        for post_id, result in publish_inline():
            results.append(result)
            self.stdout.write(f"{post_id}  {result}")
        if not results:
            self.stdout.write("Nothing is due.")
        if "pending" in results:
            self.stdout.write("Pending deliveries continue on the next run.")


def _obstacle(check: Callable[..., Any], *args: Any) -> str:
    """Return why the check closes the gate; empty when it does not."""
    try:
        check(*args)
    except gate.GateClosed as closed:
        return f"{closed.code}: {closed.message}"
    return ""
