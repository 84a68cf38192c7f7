from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("fleets", "0004_box_refusal")]
    operations = [
        migrations.AddField("camera", "sample_every_s", models.PositiveIntegerField(default=2, db_default=2))
    ]
