"""On PostgreSQL the database itself refuses a pair of approvals that is one person's, or of two contents."""

from django.db import migrations

GUARD = """
CREATE FUNCTION dynamo_two_approve_the_same() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.first_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM scheduling_approval first WHERE first.id = NEW.first_id AND first.post_id = NEW.post_id
            AND first.digest = NEW.digest AND first.reviewer_id <> NEW.reviewer_id
    ) THEN
        RAISE EXCEPTION 'A second approval is that of another person over the same content'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER two_approve_the_same BEFORE INSERT OR UPDATE OF first_id, reviewer_id, post_id, digest
    ON scheduling_approval FOR EACH ROW EXECUTE FUNCTION dynamo_two_approve_the_same();
"""
NO_GUARD = """
DROP TRIGGER two_approve_the_same ON scheduling_approval;
DROP FUNCTION dynamo_two_approve_the_same();
"""


def guard(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(GUARD, params=None)


def no_guard(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(NO_GUARD, params=None)


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0007_queue_indexes")]
    operations = [migrations.RunPython(guard, no_guard)]
