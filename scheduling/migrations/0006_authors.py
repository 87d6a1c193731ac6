"""A table of all authors of each post, filled from the columns that named the first and the last ones."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def copy_authors(apps, schema_editor):
    post_model, author_model = (apps.get_model("scheduling", name) for name in ("ScheduledPost", "PostAuthor"))
    for column in ("created_by", "last_edited_by", "content_edited_by"):
        for kind in ("user", "key"):
            name = f"{column}_{kind}_id"
            rows = post_model.objects.exclude(**{name: None}).values_list("pk", name).iterator()
            authors = (author_model(post_id=post_id, **{f"{kind}_id": author_id}) for post_id, author_id in rows)
            author_model.objects.bulk_create(authors, batch_size=1000, ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_audit_log_guards"),
        ("scheduling", "0005_discard"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="PostAuthor",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "key",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.apikey",
                    ),
                ),
                (
                    "post",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="authors",
                        to="scheduling.scheduledpost",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("post", "user"), name="one_author_per_user"),
                    models.UniqueConstraint(fields=("post", "key"), name="one_author_per_key"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("key__isnull", False), ("user", None)),
                            models.Q(("key", None), ("user__isnull", False)),
                            _connector="OR",
                        ),
                        name="author_is_user_or_key",
                    ),
                ],
            },
        ),
        migrations.AlterField(
            model_name="notification",
            name="kind",
            field=models.CharField(
                choices=[
                    ("SUBMITTED", "waits for approval"),
                    ("REJECTED", "was rejected"),
                    ("APPROVED", "was approved"),
                    ("PUBLISHED", "was published"),
                    ("FAILED", "failed"),
                    ("UNKNOWN", "has an unknown outcome"),
                    ("RECONNECT", "channel needs reconnecting"),
                    ("UNAPPROVED", "is due soon and not approved"),
                    ("RULES", "the organization's policy changed"),
                    ("REVERTED", "was reverted after approval"),
                    ("DELETED", "was deleted after approval"),
                    ("TEST", "test of a webhook"),
                ],
                max_length=20,
            ),
        ),
        migrations.RunPython(copy_authors, migrations.RunPython.noop),
        migrations.RemoveField(model_name="scheduledpost", name="content_edited_by_key"),
        migrations.RemoveField(model_name="scheduledpost", name="content_edited_by_user"),
    ]
