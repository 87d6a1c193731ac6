"""What makes a form good for one turn, who gave a post its words, and what stood behind an approval.

These are columns because decisions rest on them, and the trail may be forgotten.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def find_writers(apps, schema_editor):
    """Take from the trail who gave the posts that are not out yet their words; their author, where nothing is said."""
    Post = apps.get_model("scheduling", "ScheduledPost")
    Event, Key = apps.get_model("accounts", "AuditEvent"), apps.get_model("accounts", "ApiKey")
    User = apps.get_model("accounts", "User")
    for pk in Post.objects.exclude(status="PUBLISHED").filter(version__gt=1).values_list("pk", flat=True).iterator():
        edits = Event.objects.filter(subject=f"post:{pk}", verb="edit").order_by("-id")
        for kind, actor, details in edits.values_list("actor_kind", "actor_id", "details").iterator(chunk_size=50):
            if not set(details.get("fields", ())) - {"scheduledFor", "brief"}:
                continue
            if kind == "KEY" and Key.objects.filter(pk=actor).exists():
                Post.objects.filter(pk=pk).update(worded_by_key=actor)
            if kind == "PERSON" and User.objects.filter(pk=actor).exists():
                Post.objects.filter(pk=pk).update(worded_by_user=actor)
            break


def find_factors(apps, schema_editor):
    """Whoever had a second factor when they approved had to use it: no session without was let decide."""
    Approval, Factor = apps.get_model("scheduling", "Approval"), apps.get_model("accounts", "SecondFactor")
    theirs = Factor.objects.filter(user=models.OuterRef("reviewer"), confirmed_at__lte=models.OuterRef("created_at"))
    Approval.objects.filter(models.Exists(theirs)).update(second_factor=True)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_people"), ("scheduling", "0008_pairs")]
    operations = [
        migrations.AddField(
            "scheduledpost",
            "turn",
            models.PositiveIntegerField(
                default=0, editable=False, help_text="Counts changes of state and of content."
            ),
        ),
        migrations.AddField(
            "scheduledpost",
            "worded_by_key",
            models.ForeignKey(
                editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+",
                to="accounts.apikey",
            ),
        ),
        migrations.AddField(
            "scheduledpost",
            "worded_by_user",
            models.ForeignKey(
                editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            "approval",
            "second_factor",
            models.BooleanField(default=False, help_text="Whether a second factor stood behind the session."),
        ),
        migrations.AddField("webhook", "previous_encrypted", models.TextField(blank=True, editable=False)),
        migrations.AddField("webhook", "previous_until", models.DateTimeField(null=True, editable=False)),
        migrations.AlterField(
            "notice",
            "kind",
            models.CharField(
                choices=[
                    ("SUBMITTED", "waits for approval"),
                    ("REJECTED", "was rejected"),
                    ("APPROVED", "was approved"),
                    ("PUBLISHED", "is live"),
                    ("FAILED", "did not go live"),
                    ("UNKNOWN", "may be live: somebody has to look"),
                    ("RECONNECT", "channel needs reconnecting"),
                    ("UNAPPROVED", "falls due and is not approved"),
                    ("RULES", "an organization's rules changed"),
                    ("TEST", "trying out a webhook"),
                ],
                max_length=20,
            ),
        ),
        migrations.RunPython(find_writers, migrations.RunPython.noop),
        migrations.RunPython(find_factors, migrations.RunPython.noop),
    ]
