import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.domain import audit_log
from accounts.management.lookup import get_organization


class Command(BaseCommand):
    help = "Write the audit log as JSON lines, oldest first, each event with its chain link."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", metavar="NAME", help="one organization instead of all")
        parser.add_argument("--after", type=int, default=0, metavar="ID", help="only events with a higher id")

    def handle(self, *_: Any, organization: str | None, after: int, **__: Any) -> None:
        organization_id = get_organization(organization).pk if organization else None
        for event in audit_log.export(organization_id, after=after):
            self.stdout.write(json.dumps(event, ensure_ascii=False, separators=(",", ":")))
