from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from dynamo.demo.seed import approve_sample_posts, seed


class Command(BaseCommand):
    help = "Fill the database for the demo. `manage.py demo` runs this while its sandbox and workers run."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--approve", action="store_true", help="also have the demo's reviewer approve posts")

    def handle(self, *_: Any, approve: bool, **__: Any) -> None:
        if settings.PRODUCTION or not settings.SANDBOXED:
            raise CommandError("The demo needs GRAPH_BASE_URL to name a sandbox on this machine.")
        seed()
        if approve:
            approve_sample_posts()
