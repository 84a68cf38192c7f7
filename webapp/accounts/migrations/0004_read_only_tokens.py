from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_api_token")]
    operations = [
        migrations.AddField("apitoken", "is_read_only", models.BooleanField(default=False, db_default=False))
    ]
