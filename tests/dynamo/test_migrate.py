"""`manage.py migrate` while other processes use the tables."""

import io

import psycopg
from django.core.management import call_command
from django.db import connection


class ReleaseAtWarning(io.StringIO):
    """The error output of the command; ends the reader's transaction when something is written."""

    def __init__(self, reader: psycopg.Connection) -> None:
        super().__init__()
        self.reader = reader

    def write(self, text: str) -> int:
        self.reader.rollback()
        return super().write(text)


def columns() -> set[str]:
    with connection.cursor() as cursor:
        table = connection.introspection.get_table_description(cursor, "accounts_organization")
    return {column.name for column in table}


def test_migration_that_meets_a_lock_is_repeated_until_it_is_released(transactional_db: None) -> None:
    given = connection.settings_dict
    url = f"postgresql://{given['USER']}:{given['PASSWORD']}@{given['HOST']}:{given['PORT']}/{given['NAME']}"
    with psycopg.connect(url) as reader:
        reader.execute("SELECT 1 FROM accounts_organization")  # its transaction keeps the lock
        warnings = ReleaseAtWarning(reader)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '200ms'")
        try:
            call_command("migrate", "accounts", "0007_lean_indexes", verbosity=0, stderr=warnings)
            assert "publishing_paused_at" not in columns()
            assert "begins again" in warnings.getvalue()
        finally:
            reader.rollback()
            with connection.cursor() as cursor:
                cursor.execute("RESET lock_timeout")
            call_command("migrate", verbosity=0)
    assert "publishing_paused_at" in columns()
