from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import clock
from accounts.domain.actors import Actor
from accounts.management.lookup import get_organization
from accounts.models import ActorKind, Organization
from scheduling.domain import archive
from scheduling.domain.archive_files import Damaged
from scheduling.domain.publishing import hold

MAX_DAYS = 36_500


class Command(BaseCommand):
    help = (
        "Move posts that were published or rejected long ago, with their deliveries, approvals and attempts, to gzip "
        "files in the storage. Published posts stay in their lists. A run that was killed is finished by the next one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization", metavar="NAME", nargs="?", help="one organization instead of all")
        parser.add_argument(
            "--older-than",
            type=int,
            required=True,
            metavar="DAYS",
            help=f"of which nothing has changed for as many days, at least {archive.MIN_AGE.days}",
        )
        parser.add_argument("--dry-run", action="store_true", help="print the number by month, and change nothing")

    def handle(self, *_: Any, organization: str | None, older_than: int, dry_run: bool, **__: Any) -> None:
        if not archive.MIN_AGE.days <= older_than <= MAX_DAYS:
            raise CommandError(f"Give {archive.MIN_AGE.days} to {MAX_DAYS} days")
        if not dry_run:
            _ensure_not_held()
        before = clock.now() - timedelta(days=older_than)
        operator = Actor(ActorKind.WORKER, "archive_posts", "manage.py archive_posts")
        for each in [get_organization(organization)] if organization else Organization.objects.order_by("name", "pk"):
            if dry_run:
                for month, pks in archive.months(archive.settled_posts(each.pk, before)):
                    self.stdout.write(f"{each} {month}: {len(pks):,} posts would be archived.")
                continue
            try:
                count, files = archive.archive(operator, each.pk, before)
            except Damaged as error:
                raise CommandError(f"{each}: {error}. Run the command again.") from None
            self.stdout.write(f"{each}: {count:,} posts archived.")
            for file in files:
                self.stdout.write(f"    {file['file']}: {file['posts']:,} posts")


def _ensure_not_held() -> None:
    """Raise CommandError after a restore: `after_restore` compares the platform with the rows of the database."""
    try:
        held = hold.current().held_at is not None
    except hold.Unverified as error:
        raise CommandError(f"{error} Try again later.") from None
    if held:
        raise CommandError(f"Publishing is held. {hold.AFTER_RESTORE}")
