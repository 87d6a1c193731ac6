from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import clock
from accounts.domain import api_keys
from accounts.domain.actors import user_actor
from accounts.exceptions import DomainError
from accounts.management.lookup import get_organization
from accounts.models import Scope, User


class Command(BaseCommand):
    help = "Create an API key. Its secret is printed once and cannot be recovered."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", required=True, help="its id, or its name when that is unique")
        parser.add_argument("--name", required=True, help="for example the name of the agent")
        parser.add_argument("--issued-by", required=True, metavar="USERNAME", help="the responsible member")
        parser.add_argument("--expires-in", type=int, metavar="DAYS", help="without it the key does not expire")
        parser.add_argument("--scopes", nargs="+", choices=Scope.values, help="default: all")
        parser.add_argument("--channels", nargs="+", metavar="ID", help="public ids of its channels; default: all")
        parser.add_argument("--allow-bearer", action="store_true", help="for clients that cannot sign requests")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002  Django's signature
        organization = get_organization(options["organization"])
        issued_by = User.objects.filter(username=options["issued_by"]).first()
        if issued_by is None:
            raise CommandError(f"There is no user {options['issued_by']}")
        days = options["expires_in"]
        try:
            expires_at = None if days is None else clock.now() + timedelta(days=days)
            key, secret = api_keys.create_api_key(
                user_actor(issued_by),
                organization=organization,
                name=options["name"],
                expires_at=expires_at,
                scopes=options["scopes"],
                channels=options["channels"],
                allow_bearer=options["allow_bearer"],
            )
        except DomainError as error:
            raise CommandError(error.message) from None
        except OverflowError:
            raise CommandError("--expires-in is beyond the calendar") from None
        self.stdout.write(f"id      {key.pk}\nsecret  {secret}")
