"""On PostgreSQL the database itself refuses to alter or remove the trail. Retention says so in its transaction."""

from django.db import migrations

GUARD = """
CREATE FUNCTION dynamo_trail_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND TG_TABLE_NAME = 'accounts_auditevent'
        AND current_setting('dynamo.retention', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'The trail is append-only: % of % refused', TG_OP, TG_TABLE_NAME;
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON accounts_auditevent
    FOR EACH ROW EXECUTE FUNCTION dynamo_trail_is_append_only();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON accounts_auditseal
    FOR EACH ROW EXECUTE FUNCTION dynamo_trail_is_append_only();
"""
NO_GUARD = """
DROP TRIGGER append_only ON accounts_auditseal;
DROP TRIGGER append_only ON accounts_auditevent;
DROP FUNCTION dynamo_trail_is_append_only();
"""


def guard(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(GUARD, params=None)


def no_guard(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(NO_GUARD, params=None)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_marks")]
    operations = [migrations.RunPython(guard, no_guard)]
