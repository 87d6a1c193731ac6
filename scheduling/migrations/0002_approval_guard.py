"""On PostgreSQL, a trigger refuses a second approval by the same person, or of another post or digest."""

from django.db import migrations

CREATE = """
CREATE FUNCTION dynamo_second_approval_matches_first() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.first_approval_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM scheduling_approval first WHERE first.id = NEW.first_approval_id
            AND first.post_id = NEW.post_id AND first.digest = NEW.digest AND first.reviewer_id <> NEW.reviewer_id
    ) THEN
        RAISE EXCEPTION 'A second approval must be by another person, of the same post and digest'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER second_approval_matches_first
    BEFORE INSERT OR UPDATE OF first_approval_id, reviewer_id, post_id, digest
    ON scheduling_approval FOR EACH ROW EXECUTE FUNCTION dynamo_second_approval_matches_first();
"""
DROP = """
DROP TRIGGER second_approval_matches_first ON scheduling_approval;
DROP FUNCTION dynamo_second_approval_matches_first();
"""


def create_guard(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(CREATE, params=None)


def drop_guard(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(DROP, params=None)


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0001_initial")]
    operations = [migrations.RunPython(create_guard, drop_guard)]
