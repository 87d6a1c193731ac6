"""Make signatures of audit events unique by their nonce, whose index is half as large.

On PostgreSQL the index is created concurrently: writers do not wait, however large the table is. Dropping the former
constraint locks the table for a moment. In reverse, the former index is created while writers wait.
"""

from django.db import migrations, models
from django.db.models.functions import Left

NONCE = models.UniqueConstraint(Left("signature", 32), name="one_audit_event_per_nonce")
SIGNATURE = models.UniqueConstraint(fields=["signature"], name="one_audit_event_per_signature")
DROP = "DROP INDEX CONCURRENTLY IF EXISTS one_audit_event_per_nonce"  # also an invalid one, of an interrupted run
CREATE = """
CREATE UNIQUE INDEX CONCURRENTLY one_audit_event_per_nonce ON accounts_auditevent ((LEFT(signature, 32)))
"""


def create_index(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(DROP, params=None)
        schema_editor.execute(CREATE, params=None)
    else:
        schema_editor.add_constraint(apps.get_model("accounts", "AuditEvent"), NONCE)


def drop_index(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(DROP, params=None)
    else:
        schema_editor.remove_constraint(apps.get_model("accounts", "AuditEvent"), NONCE)


class Migration(migrations.Migration):
    atomic = False  # CONCURRENTLY
    dependencies = [("accounts", "0008_publishing_pause")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(create_index, drop_index)],
            state_operations=[migrations.AddConstraint("auditevent", NONCE)],
        ),
        migrations.RemoveConstraint("auditevent", SIGNATURE.name),
    ]
