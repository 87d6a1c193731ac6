from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import encryption


class Command(BaseCommand):
    help = "Encrypt tokens and secrets anew with the first of DYNAMO_ENCRYPTION_KEYS; then the others may go."

    def handle(self, *_: Any, **__: Any) -> None:
        """Go through every encrypted column, and fail when something could not be opened."""
        closed = 0
        for model, column in encryption.encrypted_columns():
            done = list(encryption.reencrypt_column(model, column))
            closed += done.count(False)
            self.stdout.write(f"{model._meta.label}.{column}: {done.count(True):,} encrypted anew")
        if closed:
            raise CommandError(f"{closed:,} could not be opened with any key: keep the old keys until they are found")
