import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import accounts.clock


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_reviewers_may_correct"),
        ("posts", "0003_published_media"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="channel",
            name="connected_by_meta_user",
            field=models.CharField(
                db_index=True,
                editable=False,
                help_text="The app-scoped id of the Facebook user whose login gave the token; for Meta's callbacks.",
                max_length=40,
                null=True,
            ),
        ),
        migrations.CreateModel(
            name="FacebookLogin",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("nonce", models.CharField(max_length=64, unique=True)),
                ("answer_encrypted", models.TextField(blank=True, editable=False)),
                ("created_at", models.DateTimeField(db_index=True, default=accounts.clock.now)),
                (
                    "channel",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="posts.channel",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organization"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
    ]
