from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0009_rules")]
    operations = [migrations.AddField("attempt", "platform_at", models.DateTimeField(null=True))]
