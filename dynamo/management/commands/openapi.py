import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.api.openapi import FILE, generate_schema


class Command(BaseCommand):
    help = "Generate docs/openapi.json, the description of the API."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; fail when the file is out of date")

    def handle(self, *_: Any, check: bool, **__: Any) -> None:
        text = json.dumps(generate_schema(), indent=1, ensure_ascii=False) + "\n"
        if not check:
            FILE.write_text(text, encoding="utf-8")
        elif not FILE.exists() or FILE.read_text(encoding="utf-8") != text:
            raise CommandError("docs/openapi.json is out of date: run manage.py openapi")
        self.stdout.write(f"{FILE.relative_to(settings.BASE_DIR)} is up to date")
