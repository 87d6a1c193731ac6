from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.domain.actors import Actor
from accounts.models import ActorKind
from scheduling.domain.publishing import hold


class Command(BaseCommand):
    help = "Pause publishing of the whole installation, or resume it. Each is in the activity log of each organization."

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--reason", help="pause, for this reason, which members see")
        what.add_argument("--resume", action="store_true")

    def handle(self, *_: Any, reason: str | None, resume: bool, **__: Any) -> None:
        if not resume and not (reason or "").strip():
            raise CommandError("Give a reason")
        operator = Actor(ActorKind.WORKER, "pause_publishing", "manage.py pause_publishing")
        changed = hold.set_pause(operator, None if resume else reason)
        state = "resumed" if resume else "paused"
        self.stdout.write(f"Publishing is {state}." if changed else f"Publishing was {state} already.")
