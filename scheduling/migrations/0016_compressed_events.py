"""Compress the documents of events.

The release before, 0.2.0, has no events: coming from there, the table is empty and no lock lasts.
"""

from django.db import migrations, models

import scheduling.models.fields

BATCH = 1000


def compress(apps, _schema_editor):
    copy(apps.get_model("scheduling", "Event"), "document_json", "document")


def decompress(apps, _schema_editor):
    copy(apps.get_model("scheduling", "Event"), "document", "document_json")


def copy(event, source, target):
    last = 0
    while rows := list(event.objects.filter(pk__gt=last).order_by("pk")[:BATCH]):
        for row in rows:
            setattr(row, target, getattr(row, source))
        event.objects.bulk_update(rows, [target])
        last = rows[-1].pk


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0015_stored_at")]
    operations = [
        migrations.RenameField("event", "document", "document_json"),
        migrations.AlterField("event", "document_json", models.JSONField(null=True)),
        migrations.AddField("event", "document", scheduling.models.fields.CompressedJSONField(null=True)),
        migrations.RunPython(compress, decompress),
        migrations.AlterField("event", "document", scheduling.models.fields.CompressedJSONField()),
        migrations.RemoveField("event", "document_json"),
    ]
