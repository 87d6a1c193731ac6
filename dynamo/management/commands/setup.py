import sys
from getpass import getpass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.domain import first_setup
from accounts.exceptions import DomainError
from dynamo.env import env_str

ASKED = {
    "organization": "Name of the organization",
    "username": "Username of its administrator",
    "email": "Their e-mail address (may be empty)",
    "time_zone": "Time zone, for example Europe/Lisbon",
}
STDIN = "-"
DEFAULTS = {"email": "", "time_zone": "UTC"}


class Command(BaseCommand):
    help = (
        "Create the first organization and its administrator. What neither an option nor the environment gives "
        "(DYNAMO_SETUP_ORGANIZATION, _USERNAME, _EMAIL, _TIME_ZONE, _PASSWORD_FILE) is asked for. "
        "A second run changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        for name, question in ASKED.items():
            parser.add_argument(f"--{name.replace('_', '-')}", help=question)
        parser.add_argument("--password-file", metavar="PATH", help="file with the password; - for standard input")
        parser.add_argument("--no-review", action="store_true", help="the administrator cannot approve posts")
        parser.add_argument("--no-superuser", action="store_true", help="without the right to manage organizations")
        parser.add_argument("--no-input", action="store_true", help="never ask; missing values are errors")

    def handle(self, *_: Any, **options: Any) -> None:
        self.may_ask = not options["no_input"] and options["password_file"] != STDIN and sys.stdin.isatty()
        values = {name: self._value(name, options[name]) for name in ASKED}
        wanted = first_setup.Wanted(**values, reviews=not options["no_review"], superuser=not options["no_superuser"])
        password = ""
        if first_setup.needs_password(wanted.username):
            password = self._password(options["password_file"])
        try:
            result = first_setup.create(wanted, password)
        except DomainError as error:
            raise CommandError(error.message) from None
        for verb, names in (("created", result.created), ("exists", result.existing)):
            for name in names:
                self.stdout.write(f"{verb:8} {name}")
        self.stdout.write(f"Sign in at {settings.ADMIN_URL}/admin/ and connect a channel. Then: manage.py doctor")

    def _value(self, name: str, given: str | None) -> str:
        variable = f"DYNAMO_SETUP_{name.upper()}"
        value = given or env_str(variable)
        if not value and self.may_ask:
            default = DEFAULTS.get(name, "")
            value = input(f"{ASKED[name]}{f' [{default}]' if default else ''}: ").strip()
        if not value and name not in DEFAULTS:
            raise CommandError(f"Give --{name} or {variable}")
        return value or DEFAULTS[name]

    def _password(self, path: str | None) -> str:
        """Return the password; never from an argument, which other users of the machine can see."""
        if path == STDIN:
            return sys.stdin.readline().rstrip("\r\n")
        if path:
            try:
                return Path(path).read_text(encoding="utf-8").strip()
            except (OSError, ValueError) as error:
                raise CommandError(f"{path} cannot be read: {type(error).__name__}") from None
        if password := env_str("DYNAMO_SETUP_PASSWORD"):
            return password
        if not self.may_ask:
            raise CommandError("Give --password-file or DYNAMO_SETUP_PASSWORD_FILE")
        password = getpass("Password: ")
        if getpass("Confirm password: ") != password:
            raise CommandError("The passwords differ")
        return password
