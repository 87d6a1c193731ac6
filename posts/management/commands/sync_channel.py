import sys
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import clock
from posts.domain import sync
from posts.domain.sync import Outcome, Report
from posts.models import Channel, ChannelSync

WIDTH = 30


class Command(BaseCommand):
    help = "Read all published posts of a channel. When it is interrupted, the next run continues where it was."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("channel", metavar="PUBLIC_ID", help="for example FB_PAGE_123456789012345")
        parser.add_argument("--organization", metavar="NAME", help="when several have connected the channel")
        parser.add_argument("--full", action="store_true", help="read everything again, although it is known")

    def handle(self, *_: Any, channel: str, organization: str | None, full: bool, **__: Any) -> None:
        row = self._channel(channel, organization)
        progress = self._show_progress if sys.stderr.isatty() else None
        while True:
            report = sync.sync(row, full=full, progress=progress)
            full = full and report.outcome is Outcome.BUSY
            if report.outcome is Outcome.FINISHED:
                break
            if report.outcome is Outcome.FAILED:
                raise CommandError(report.message)
            self._wait(report)
        if progress:
            self.stderr.write("")
        self.stdout.write(f"{row.name}: {report.read:,} posts read, {report.added:,} new, {report.gone:,} deleted")

    def _channel(self, public_id: str, organization: str | None) -> Channel:
        rows = Channel.objects.filter(public_id=public_id)
        if organization:
            rows = rows.filter(organization__name=organization)
        try:
            return rows.get()
        except Channel.DoesNotExist:
            raise CommandError("No channel has this id") from None
        except Channel.MultipleObjectsReturned:
            raise CommandError("Several organizations have this channel: choose one with --organization") from None

    def _wait(self, report: Report) -> None:
        """Wait for the run that has the lease, or until the time of the retry."""
        seconds = 1.0
        if report.next_at is not None:
            seconds = max(0.0, (report.next_at - clock.now()).total_seconds())
        if seconds > 1:
            self.stderr.write(f"{report.message} Continuing in {seconds:.0f} s.")
        time.sleep(seconds)

    def _show_progress(self, state: ChannelSync) -> None:
        bar = ""
        if state.total:
            share = min(1.0, state.read_count / state.total)
            bar = f"[{'█' * round(share * WIDTH):░<{WIDTH}}] {share:4.0%} "
        back = f", back to {state.oldest_seen_at:%d %b %Y}" if state.oldest_seen_at else ""
        text = f"{state.read_count:,} posts, {state.created_count:,} new · {state.phase.replace('_', ' ') or 'done'}"
        self.stderr.write(f"\r{bar}{text}{back}\x1b[K", ending="")
        self.stderr.flush()
