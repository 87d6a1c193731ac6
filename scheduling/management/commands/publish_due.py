"""Publish due posts without a broker, or list what would be published."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import clock
from scheduling.domain.publishing.due import Forecast, forecasts
from scheduling.domain.publishing.run import publish_inline


class Command(BaseCommand):
    help = "Publish due posts in this process, without broker and workers; --dry-run only lists them"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="list what would be published; change nothing")
        parser.add_argument("--within", type=float, default=0.0, metavar="SECONDS", help="look ahead (dry run only)")

    def handle(self, *_: Any, **options: Any) -> None:
        if options["dry_run"]:
            self._list(options["within"])
        elif options["within"]:
            raise CommandError("--within requires --dry-run: nothing is published before its scheduled time")
        else:
            self._publish()

    def _list(self, within: float) -> None:
        due = list(forecasts(within))
        for forecast in due:
            self._write_forecast(forecast)
        publishable = [forecast for forecast in due if forecast.publishable]
        self.stdout.write(f"{len(publishable)} of {len(due)} would be published." if due else "Nothing is due.")

    def _write_forecast(self, forecast: Forecast) -> None:
        scheduled_for = forecast.post.scheduled_for
        assert scheduled_for is not None  # noqa: S101  a due post has a scheduled time
        away = (scheduled_for - clock.now()).total_seconds()
        when = f"in {away:.0f} s" if away > 0 else f"{-away:.0f} s ago"
        self.stdout.write(f"{scheduled_for:%Y-%m-%d %H:%M:%S} UTC ({when})  {forecast.post.pk}")
        self.stdout.write(f"    gate: {forecast.obstacle or 'open'}")
        for channel in forecast.channels:
            staged = "staged" if channel.staged else "not staged"
            result = channel.obstacle or ("refused by the gate" if forecast.obstacle else "would be published")
            name = channel.delivery.channel
            self.stdout.write(f"    {name.public_id} {name.name}: {staged}; {result}")

    def _publish(self) -> None:
        results = []
        for post_id, result in publish_inline():
            results.append(result)
            self.stdout.write(f"{post_id}  {result}")
        if not results:
            self.stdout.write("Nothing is due.")
        if "pending" in results:
            self.stdout.write("Pending deliveries continue on the next run.")
