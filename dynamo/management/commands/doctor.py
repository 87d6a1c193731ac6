import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from dynamo.doctor import SECTIONS, examine

MARKS = {"ok": "ok  ", "warn": "WARN", "fail": "FAIL", "info": "look"}


class Command(BaseCommand):
    help = (
        "Check this installation: what is wrong, and the remedy. It stores and deletes one small file, and changes "
        "nothing else. Exit status 1 for a FAIL."
    )
    requires_system_checks: list[str] = []  # they are findings

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--meta", action="append_const", const="meta", dest="sections", help="only the Meta app")
        parser.add_argument(
            "--only", action="append", choices=list(SECTIONS), dest="sections", help="only this section"
        )
        parser.add_argument("--send-test", metavar="ADDRESS", default="", help="send an e-mail to this address")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *_: Any, sections: list[str] | None, send_test: str, **options: Any) -> None:
        found = {name: examine(name, send_test=send_test) for name in sections or SECTIONS}
        if options["json"]:
            document = {name: [asdict(finding) for finding in findings] for name, findings in found.items()}
            self.stdout.write(json.dumps(document, ensure_ascii=False, indent=2))
        else:
            for name, findings in found.items():
                self.stdout.write(f"{name}\n")
                for finding in findings:
                    where = f"\n         {finding.fix}" if finding.fix and finding.level != "ok" else ""
                    self.stdout.write(f"  {MARKS[finding.level]}  {finding.text}{where}")
        failed = sum(finding.level == "fail" for findings in found.values() for finding in findings)
        if failed:
            raise CommandError(f"{failed} of these checks failed")
