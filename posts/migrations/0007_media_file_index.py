"""Drop the index of a media file's organization, which two others begin with.

Django also makes the foreign key again: uploads wait while PostgreSQL checks it, about a second for a million files.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("posts", "0006_reactions_total")]
    operations = [
        migrations.AlterField(
            model_name="mediafile",
            name="organization",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="media_files",
                to="accounts.organization",
            ),
        ),
    ]
