import sys
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import clock
from posts.domain import sync
from posts.domain.sync import Outcome, Progress, Report
from posts.models import Channel

WIDTH = 30


class Command(BaseCommand):
    help = "Read what a channel has published, to the end. Killed, it goes on where it was the next time."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("channel", metavar="WIRE_ID", help="for example FB_PAGE_123456789012345")
        parser.add_argument("--organization", metavar="NAME", help="when several have connected the channel")
        parser.add_argument("--full", action="store_true", help="to the end of the listings, although they are known")

    def handle(self, *_: Any, channel: str, organization: str | None, full: bool, **__: Any) -> None:
        one = self._channel(channel, organization)
        progress = self._bar if sys.stderr.isatty() else None
        while True:
            report = sync.sync(one, full=full, progress=progress)
            full = full and report.outcome is Outcome.BUSY
            if report.outcome is Outcome.FINISHED:
                break
            if report.outcome is Outcome.FAILED:
                raise CommandError(report.message)
            self._wait(report)
        if progress:
            self.stderr.write("")
        self.stdout.write(f"{one.name}: {report.read:,} posts read, {report.added:,} new, {report.gone:,} gone")

    def _channel(self, public_id: str, organization: str | None) -> Channel:
        rows = Channel.objects.filter(public_id=public_id)
        if organization:
            rows = rows.filter(organization__name=organization)
        found = list(rows[:2])
        if len(found) != 1:
            why = "No channel has this id" if not found else "Several organizations have this channel: name one"
            raise CommandError(why)
        return found[0]

    def _wait(self, report: Report) -> None:
        """Wait for the run that holds the channel, or until the platform takes calls again."""
        seconds = 1.0
        if report.next_at is not None:
            seconds = max(0.0, (report.next_at - clock.now()).total_seconds())
        if seconds > 1:
            self.stderr.write(f"{report.message} Going on in {seconds:.0f} s.")
        time.sleep(seconds)

    def _bar(self, done: Progress) -> None:
        share = min(1.0, done.read / done.total) if done.total else None
        filled = "" if share is None else f"[{'█' * round(share * WIDTH):░<{WIDTH}}] {share:4.0%} "
        back = f", back to {done.oldest_seen_at:%d %b %Y}" if done.oldest_seen_at else ""
        phase = done.phase.replace("_", " ") or "done"
        self.stderr.write(f"\r{filled}{done.read:,} posts, {done.added:,} new · {phase}{back}\x1b[K", ending="")
        self.stderr.flush()
