import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.domain import audit_verification
from accounts.management.lookup import get_organization
from accounts.models import AuditEvent


class Command(BaseCommand):
    help = "Verify the audit trail: name what was altered, removed, put in or put elsewhere. Exit status 1 on a break."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", metavar="NAME", help="one organization instead of all")
        parser.add_argument("--all", action="store_true", help="name every break, not only the first")
        parser.add_argument(
            "--heads", metavar="FILE", help="also: nothing was cut off since FILE was written by --keep"
        )
        parser.add_argument("--keep", metavar="FILE", help="write where the chains end now, to be kept elsewhere")

    def handle(self, *_: Any, organization: str | None, heads: str | None, keep: str | None, **options: Any) -> None:
        """Print a sentence for the first break, or for each."""
        one = get_organization(organization).pk if organization else None
        found = 0
        for line in self._breaks(one, heads):
            found += 1
            self.stdout.write(line)
            if not options["all"]:
                break
        if found:
            sys.exit(1)
        if keep:
            Path(keep).write_text(
                "".join(f"{head}\n" for head in audit_verification.chain_heads(one)), encoding="ascii"
            )
        events = AuditEvent.objects.filter(**({"organization_id": one} if one else {})).count()
        self.stdout.write(f"The trail holds: {events:,} events.")

    def _breaks(self, one: Any, heads: str | None) -> Any:
        yield from audit_verification.find_tampering(one)
        if heads:
            try:
                kept = [
                    audit_verification.ChainHead.read(line)
                    for line in Path(heads).read_text(encoding="ascii").splitlines()
                ]
            except (OSError, ValueError) as error:
                raise CommandError(f"{heads} holds no heads: {error}") from None
            yield from filter(None, map(audit_verification.check_truncation, kept))
