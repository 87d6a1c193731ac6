"""The triggers that refuse to TRUNCATE the trail in PostgreSQL, switched by the owner of the tests' database."""

from django.db import connection

from accounts.models import AuditEvent, AuditSeal


def truncate_triggers(how: str) -> None:
    """ENABLE or DISABLE the triggers that refuse to TRUNCATE the trail."""
    with connection.cursor() as cursor:
        for model in (AuditEvent, AuditSeal):
            cursor.execute(f"ALTER TABLE {model._meta.db_table} {how} TRIGGER never_emptied")
