"""On PostgreSQL the database refuses to empty the trail as well: TRUNCATE runs past the triggers that watch rows.

There is no way out of this one: retention deletes row by row, and a restore only inserts.
"""

from django.db import migrations

GUARD = """
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON accounts_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION dynamo_trail_is_append_only();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON accounts_auditseal
    FOR EACH STATEMENT EXECUTE FUNCTION dynamo_trail_is_append_only();
"""
NO_GUARD = """
DROP TRIGGER never_emptied ON accounts_auditseal;
DROP TRIGGER never_emptied ON accounts_auditevent;
"""


def guard(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(GUARD, params=None)


def no_guard(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(NO_GUARD, params=None)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_people")]
    operations = [migrations.RunPython(guard, no_guard)]
