"""The level of a post's checks, for the queue's filter; and the caption index as Django's SearchVector writes it."""

from django.db import migrations, models

WORDS = """
CREATE INDEX delivery_words ON scheduling_delivery
    USING gin (to_tsvector('simple'::regconfig, COALESCE(LEFT(caption, 20000), '')))
"""
FORMER_WORDS = """
CREATE INDEX delivery_words ON scheduling_delivery USING gin (to_tsvector('simple', left(caption, 20000)))
"""


def replace_index(apps, schema_editor, statement=WORDS):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX delivery_words")
        schema_editor.execute(statement)


def restore_index(apps, schema_editor):
    replace_index(apps, schema_editor, FORMER_WORDS)


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0010_platform_time")]
    operations = [
        migrations.AddField(
            "scheduledpost",
            "check_level",
            models.CharField(
                max_length=8,
                blank=True,
                default="",
                editable=False,
                help_text="Level of the worst check; empty before the first check.",
            ),
            preserve_default=False,
        ),
        migrations.AddField("scheduledpost", "check_level_at", models.DateTimeField(null=True, editable=False)),
        migrations.AddIndex(
            "scheduledpost",
            models.Index(
                fields=["check_level_at"],
                name="scheduled_checks",
                condition=models.Q(status="WAITING_FOR_APPROVAL"),
            ),
        ),
        migrations.RunPython(replace_index, restore_index),
    ]
