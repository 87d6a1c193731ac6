"""On PostgreSQL, triggers refuse UPDATE, DELETE and TRUNCATE on the audit log.

`purge_audit_log` may delete events: it sets `dynamo.retention` to `on` in its transaction. Chain links are never deleted.
TRUNCATE needs a trigger of its own because row triggers do not see it.
"""

from django.db import migrations

CREATE = """
CREATE FUNCTION dynamo_audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND TG_TABLE_NAME = 'accounts_auditevent'
        AND current_setting('dynamo.retention', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'The audit log is append-only: % of % refused', TG_OP, TG_TABLE_NAME;
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON accounts_auditevent
    FOR EACH ROW EXECUTE FUNCTION dynamo_audit_log_is_append_only();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON accounts_auditchainlink
    FOR EACH ROW EXECUTE FUNCTION dynamo_audit_log_is_append_only();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON accounts_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION dynamo_audit_log_is_append_only();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON accounts_auditchainlink
    FOR EACH STATEMENT EXECUTE FUNCTION dynamo_audit_log_is_append_only();
"""
DROP = """
DROP TRIGGER no_truncate ON accounts_auditchainlink;
DROP TRIGGER no_truncate ON accounts_auditevent;
DROP TRIGGER append_only ON accounts_auditchainlink;
DROP TRIGGER append_only ON accounts_auditevent;
DROP FUNCTION dynamo_audit_log_is_append_only();
"""


def create_guards(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(CREATE, params=None)


def drop_guards(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(DROP, params=None)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunPython(create_guards, drop_guards)]
