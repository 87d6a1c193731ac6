import sys
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Organization
from posts.domain import seeding


class Command(BaseCommand):
    help = "Fill an organization with made-up published posts: a million of them to measure with, or to try."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--count", type=int, default=10_000, help="posts to have in the end")
        parser.add_argument("--channels", type=int, default=50)
        parser.add_argument("--organization", default="Seeded", metavar="NAME", help="made when there is none")

    def handle(self, *_: Any, count: int, channels: int, organization: str, **__: Any) -> None:
        """Add what is missing; done twice, the second time adds nothing."""
        if count < 0 or not 1 <= channels <= 10_000:
            raise CommandError("Give a count of 0 or more, and between 1 and 10000 channels")
        named = list(Organization.objects.filter(name=organization)[:2])
        if len(named) > 1:
            raise CommandError(f"There is more than one organization called {organization}")
        one = named[0] if named else Organization.objects.create(name=organization)
        began = time.monotonic()
        on = seeding.channels(one, channels)
        added = seeding.fill(one, on, count, progress=self._progress if sys.stderr.isatty() else None)
        took = time.monotonic() - began
        said = f"added {added:,} posts in {took:.1f} s" if added else "nothing to add, there are as many already"
        self.stdout.write(f"{organization}: {len(on)} channels, {said}")

    def _progress(self, sent: int) -> None:
        self.stderr.write(f"\r{sent:,} posts", ending="")
        self.stderr.flush()
