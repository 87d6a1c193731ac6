"""What the desk's lists are found by: a state's posts in their order, and, on PostgreSQL, words of captions."""

from django.db import migrations, models

WORDS = """
CREATE INDEX delivery_words ON scheduling_delivery USING gin (to_tsvector('simple', left(caption, 20000)))
"""


def index_words(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(WORDS)


def drop_words(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX delivery_words")


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0006_noticing")]
    operations = [
        migrations.AddIndex(
            model_name="scheduledpost",
            index=models.Index(
                fields=["organization", "status", "scheduled_for", "id"], name="scheduled_queue"
            ),
        ),
        migrations.RunPython(index_words, drop_words),
    ]
