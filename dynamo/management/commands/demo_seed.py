from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from dynamo.demo import seeds


class Command(BaseCommand):
    help = "Fill the database for the demo. `manage.py demo` runs this, with a sandbox at hand."

    def handle(self, *_: Any, **__: Any) -> None:
        if settings.PRODUCTION or not settings.SANDBOXED:
            raise CommandError("The demo's organization belongs next to a sandbox.")
        seeds.seed()
