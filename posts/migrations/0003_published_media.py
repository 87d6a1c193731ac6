from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("posts", "0002_media_store")]

    operations = [
        migrations.AddField(
            model_name="publishedpost",
            name="media_sha256",
            field=models.CharField(blank=True, db_default="", default="", help_text="Of the media that our worker published.", max_length=64),
        ),
    ]
