import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.domain import audit_verification
from accounts.management.lookup import get_organization
from accounts.models import AuditEvent
from scheduling.domain import approval_events


class Command(BaseCommand):
    help = (
        "Verify the audit log: find events that were altered, removed, inserted or moved, and approvals that differ "
        "from their events. Exit status 1 if any."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", metavar="NAME", help="one organization instead of all")
        parser.add_argument("--all", action="store_true", help="print all problems, not only the first")
        parser.add_argument("--heads", metavar="FILE", help="also check that nothing was cut off since --keep FILE")
        parser.add_argument("--keep", metavar="FILE", help="write the ends of the chains, to be stored elsewhere")

    def handle(self, *_: Any, organization: str | None, heads: str | None, keep: str | None, **options: Any) -> None:
        organization_id = get_organization(organization).pk if organization else None
        problems = list(islice(self._problems(organization_id, heads), None if options["all"] else 1))
        if problems:
            self.stdout.write("\n".join(problems))
            sys.exit(1)
        if keep:
            lines = [f"{head}\n" for head in audit_verification.chain_heads(organization_id)]
            Path(keep).write_text("".join(lines), encoding="ascii")
        events = AuditEvent.objects.all()
        if organization_id:
            events = events.filter(organization_id=organization_id)
        self.stdout.write(f"The audit log is intact: {events.count():,} events.")

    def _problems(self, organization_id: UUID | None, heads: str | None) -> Iterator[str]:
        yield from audit_verification.find_tampering(organization_id)
        yield from approval_events.find_inconsistencies(organization_id)
        if heads:
            try:
                stored = Path(heads).read_text(encoding="ascii").split()
                problems = [audit_verification.check_truncation(head) for head in stored]
            except (OSError, ValueError) as error:
                raise CommandError(f"{heads} contains no chain heads: {error}") from None
            yield from filter(None, problems)
