"""Publish what is due without a broker, or say what would go."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import clock
from scheduling.domain.publishing.due import Forecast, forecasts, publish_inline


class Command(BaseCommand):
    help = "Publish what is due in this process, for when broker or workers are gone; --dry-run only says what would go"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what would go, and change nothing")
        parser.add_argument("--within", type=float, default=0.0, metavar="SECONDS", help="look so far ahead (dry run)")

    def handle(self, *_: Any, **options: Any) -> None:
        if options["dry_run"]:
            self._foretell(options["within"])
        elif options["within"]:
            raise CommandError("--within looks ahead, which takes --dry-run: nothing goes out before its instant")
        else:
            self._publish()

    def _foretell(self, within: float) -> None:
        going = total = 0
        for forecast in forecasts(within):
            total, going = total + 1, going + forecast.goes
            self._show(forecast)
        self.stdout.write(f"{going} of {total} would go." if total else "Nothing falls due.")

    def _show(self, one: Forecast) -> None:
        instant = one.post.scheduled_for
        assert instant is not None  # noqa: S101  what falls due has an instant
        away = (instant - clock.now()).total_seconds()
        when = f"in {away:.0f} s" if away > 0 else f"{-away:.0f} s ago"
        self.stdout.write(f"{instant:%Y-%m-%d %H:%M:%S} UTC ({when})  {one.post.pk}")
        self.stdout.write(f"    gate: {one.obstacle or 'open'}")
        for channel in one.prospects:
            staged = "staged" if channel.staged else "not staged"
            name = channel.delivery.channel
            said = channel.obstacle or ("held by the gate" if one.obstacle else "goes out")
            self.stdout.write(f"    {name.public_id} {name.name}: {staged}; {said}")

    def _publish(self) -> None:
        said = []
        for post, word in publish_inline():
            said.append(word)
            self.stdout.write(f"{post}  {word}")
        if not said:
            self.stdout.write("Nothing is due.")
        if "pending" in said:
            self.stdout.write("What is pending goes on when this runs again in a few seconds.")
