"""On PostgreSQL, an index of the captions' words, with the expression of `search_captions`."""

from django.db import migrations

CREATE = """
CREATE INDEX delivery_words ON scheduling_delivery
    USING gin (to_tsvector('simple'::regconfig, COALESCE(LEFT(caption, 20000), '')))
"""


def create_index(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(CREATE)


def drop_index(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX delivery_words")


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0002_approval_guard")]
    operations = [migrations.RunPython(create_index, drop_index)]
