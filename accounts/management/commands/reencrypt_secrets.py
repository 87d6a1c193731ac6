from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import encryption


class Command(BaseCommand):
    help = "Re-encrypt tokens and secrets with the first of DYNAMO_ENCRYPTION_KEYS. Then remove the others."

    def handle(self, *_: Any, **__: Any) -> None:
        failed = 0
        for model, column in encryption.encrypted_columns():
            results = list(encryption.reencrypt_column(model, column))
            failed += results.count(False)
            self.stdout.write(f"{model._meta.label}.{column}: re-encrypted {results.count(True):,}")
        if failed:
            raise CommandError(f"{failed:,} could not be decrypted; keep the old keys")
