import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.api.openapi import FILE, generate_schema


class Command(BaseCommand):
    help = "Write docs/openapi.json, the API's description, out of the code."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="only fail when the file is not what the code says")

    def handle(self, *_: Any, check: bool, **__: Any) -> None:
        """Generate, validate, and write or compare."""
        text = json.dumps(generate_schema(), indent=1, ensure_ascii=False) + "\n"
        if not check:
            FILE.write_text(text, encoding="utf-8")
        elif not FILE.exists() or FILE.read_text(encoding="utf-8") != text:
            raise CommandError("docs/openapi.json is not what the code says: run manage.py openapi")
        self.stdout.write(f"{FILE.relative_to(settings.BASE_DIR)} is in step")
