from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from dynamo.demo.seed import approve_sample_posts, seed


class Command(BaseCommand):
    help = "Fill the database for the demo. `manage.py demo` runs this while its sandbox and workers run."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--approve", action="store_true", help="approve posts as the demo's reviewer")

    def handle(self, *_: Any, approve: bool, **__: Any) -> None:
        if settings.PRODUCTION or not settings.SANDBOXED:
            raise CommandError("The demo needs a sandbox on this machine as GRAPH_BASE_URL.")
        seed()
        if approve:
            approve_sample_posts()
