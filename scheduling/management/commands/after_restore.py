import time
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import clock
from accounts.domain.actors import Actor
from accounts.models import ActorKind
from posts.graph.publishers import LookupStatus
from scheduling.domain.publishing import after_restore
from scheduling.domain.publishing import hold as publishing_hold
from scheduling.models import ScheduledPost

OPERATOR = Actor(ActorKind.WORKER, "after_restore", "manage.py after_restore")
WORDS = {
    LookupStatus.PUBLISHED: "is published",
    LookupStatus.NOT_FOUND: "is not published",
    LookupStatus.PROCESSING: "is being processed by the platform",
    LookupStatus.UNKNOWN: "may be published: it is read back again before it is sent, then a person decides",
}


class Command(BaseCommand):
    help = (
        "After a restore or a failover: read back from the platforms what fell due, settle what was published, and "
        "release publishing"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="list what was found; change nothing")
        parser.add_argument("--yes", action="store_true", help="settle and release without a question")
        parser.add_argument("--hold", metavar="REASON", help="hold publishing first, where no restore was noticed")

    def handle(self, *_: Any, dry_run: bool, yes: bool, hold: str | None, **__: Any) -> None:
        try:
            self._read_back_and_release(hold, dry_run=dry_run, yes=yes)
        except publishing_hold.Unverified as error:
            raise CommandError(f"{error} Start it before this command.") from None

    def _read_back_and_release(self, hold: str | None, *, dry_run: bool, yes: bool) -> None:
        self._hold(hold, dry_run=dry_run)
        if not dry_run:
            self._wait()
        due, failed = after_restore.due_posts(), after_restore.failed_posts()
        for post_id in [*due, *failed]:
            self._print(post_id)
        self.stdout.write(f"{len(due)} posts fell due and are not settled.")
        if failed:
            self.stdout.write(f"{len(failed)} posts failed lately. They may have been retried after the backup.")
        if undecided := after_restore.undecided_posts():
            self.stdout.write(
                f"{undecided} posts wait for an approval although their time has passed. If it was given after the "
                "backup, they may be published. One that is approved again is read back before it is sent."
            )
        self.stdout.write(
            "What people did after the backup is lost. Check the scheduled posts for those that were reverted or "
            "deleted since."
        )
        if dry_run:
            return
        if not yes and input("Settle what was found and release publishing? [y/N] ").strip().lower() not in {
            "y",
            "yes",
        }:
            raise CommandError("Nothing was changed; publishing is still held.")
        results = [after_restore.settle(post_id) for post_id in [*due, *failed]]
        self._release()
        for result, text in (
            ("published", "were published before and are settled"),
            ("absent", "were not published: the workers publish them, or fail them past the late limit"),
            ("failed", "are settled with a failure"),
            ("still failed", "stay failed: a retry is read back before it is sent"),
            ("pending", "are read back again by the workers"),
            ("void", "were left to the workers"),
        ):
            if count := results.count(result):
                self.stdout.write(f"{count} {text}.")

    def _print(self, post_id: UUID) -> None:
        post = ScheduledPost.objects.get(pk=post_id)
        self.stdout.write(f"{post.scheduled_for:%Y-%m-%d %H:%M:%S} UTC  {post.pk}  {post.status}")
        for item in after_restore.read_back(post_id):
            words = " ".join(filter(None, (WORDS[item.verdict], item.post_id)))
            self.stdout.write(f"    {item.delivery.channel.public_id} {item.delivery.channel.name}: {words}")

    def _hold(self, reason: str | None, *, dry_run: bool) -> None:
        state = publishing_hold.current()
        if state.held_at is None and dry_run:
            self.stdout.write("Publishing is not held, and a dry run does not hold it.")
        elif state.held_at is None and reason:
            publishing_hold.hold_by_person(OPERATOR, reason)
        elif state.held_at is None:
            raise CommandError("Publishing is not held. To hold it first, give a reason with --hold.")
        else:
            self.stdout.write(state.hold_reason)

    def _wait(self) -> None:
        """Wait until the platform shows what was sent just before the restore."""
        readable_at = after_restore.readable_at()
        left = (readable_at - clock.now()).total_seconds() if readable_at else 0
        if left > 0:
            self.stdout.write(f"Waiting {left:.0f} s: what was sent last may appear until then.")
            time.sleep(left)

    def _release(self) -> None:
        publishing_hold.release(OPERATOR)
        self.stdout.write("Publishing is released.")
