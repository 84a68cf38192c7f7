"""Drops the indexes of foreign keys that another index of the table begins with: each costs time with every row."""

from django.db import migrations, models
from django.db.models.deletion import CASCADE, SET_NULL


class Migration(migrations.Migration):
    dependencies = [("results", "0002_counts_per_hour")]

    operations = [
        migrations.AlterField(
            "event", "camera", models.ForeignKey("fleets.camera", CASCADE, related_name="events", db_index=False)
        ),
        migrations.AlterField(
            "event",
            "query",
            models.ForeignKey("workloads.query", SET_NULL, null=True, related_name="events", db_index=False),
        ),
        migrations.AlterField(
            "minutecount",
            "camera",
            models.ForeignKey("fleets.camera", CASCADE, related_name="minute_counts", db_index=False),
        ),
    ]
