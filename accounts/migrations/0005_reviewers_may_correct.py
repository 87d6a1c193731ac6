from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_identities")]

    operations = [
        migrations.AddField(
            model_name="organization",
            name="reviewers_may_correct",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Reviewers can correct the captions of a waiting post together with their approval.",
            ),
        ),
    ]
