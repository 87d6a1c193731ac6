from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import clock
from accounts.domain import audit_log
from accounts.domain.actors import Actor
from accounts.management.lookup import get_organization
from accounts.models import ActorKind
from scheduling.domain import approval_events


class Command(BaseCommand):
    help = (
        "Delete an organization's audit events from before a day, except those that publishing still needs. "
        "The rest still verifies."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization", metavar="NAME")
        parser.add_argument("before", metavar="YYYY-MM-DD", help="the first day whose events are kept, in UTC")

    def handle(self, *_: Any, organization: str, before: str, **__: Any) -> None:
        try:
            day = datetime.strptime(before, "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError:
            raise CommandError("Give the day as YYYY-MM-DD") from None
        if day > clock.now():
            raise CommandError("The day is in the future")
        operator = Actor(ActorKind.WORKER, "purge_audit_log", "manage.py purge_audit_log")
        organization_id = get_organization(organization).pk
        needed = approval_events.needed_events(organization_id)
        count = audit_log.purge(operator, organization_id, before=day, keep=needed)
        self.stdout.write(f"{count:,} events purged.")
