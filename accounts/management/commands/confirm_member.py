from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.domain import identities
from accounts.exceptions import DomainError
from accounts.management.lookup import get_organization
from accounts.models import Membership


class Command(BaseCommand):
    help = "Confirm that a member is another person than the one who invited them, for example after a phone call."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization", help="its id, or its name when that is unique")
        parser.add_argument("username", help="the member's")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002  Django's signature
        organization = get_organization(options["organization"])
        member = Membership.objects.filter(organization=organization, user__username=options["username"])
        membership = member.select_related("user").first()
        if membership is None:
            raise CommandError(f"{options['username']} is not a member of {organization}")
        try:
            identities.confirm(identities.OPERATOR, membership)
        except DomainError as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"{options['username']} is confirmed as a person of their own in {organization}.")
