"""`manage.py migrate` while other processes use the tables."""

import threading

import psycopg
from django.core.management import call_command
from django.db import connection

HELD = 1.0  # seconds


def columns() -> set[str]:
    with connection.cursor() as cursor:
        table = connection.introspection.get_table_description(cursor, "accounts_organization")
    return {column.name for column in table}


def test_migration_that_meets_a_lock_is_repeated_until_it_is_released(transactional_db: None) -> None:
    given = connection.settings_dict
    url = f"postgresql://{given['USER']}:{given['PASSWORD']}@{given['HOST']}:{given['PORT']}/{given['NAME']}"
    with psycopg.connect(url) as reader:
        reader.execute("SELECT 1 FROM accounts_organization")  # its transaction keeps the lock
        timer = threading.Timer(HELD, reader.rollback)
        timer.start()
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '200ms'")
        try:
            call_command("migrate", "accounts", "0007_lean_indexes", verbosity=0)
            assert "publishing_paused_at" not in columns()
        finally:
            timer.join()
            with connection.cursor() as cursor:
                cursor.execute("RESET lock_timeout")
            call_command("migrate", verbosity=0)
    assert "publishing_paused_at" in columns()
