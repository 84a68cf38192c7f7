"""Charts are drawn from the index alone: a day of one query is 1,440 rows on as many pages of the table. Drops the
indexes of foreign keys that another index begins with. Takes seconds for each million of rollups."""

from django.db import migrations, models
from django.db.models.deletion import CASCADE

_BOX_CHARTED = (
    "memory_overhead",
    "memory_activations",
    "memory_private",
    "memory_shared",
    "memory_free",
    "memory_budget",
)
_QUERY_CHARTED = ("processed", "latency_p50_ms", "latency_p95_ms", "agreement", "dropped", "late")


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0009_samples_by_bundle_and_time")]

    operations = [
        migrations.RemoveConstraint("boxrollup", "one_box_rollup"),
        migrations.RemoveConstraint("queryrollup", "one_query_rollup"),
        migrations.AlterField(
            "boxrollup", "box", models.ForeignKey("fleets.box", CASCADE, related_name="rollups", db_index=False)
        ),
        migrations.AlterField(
            "boxsample", "box", models.ForeignKey("fleets.box", CASCADE, related_name="samples", db_index=False)
        ),
        migrations.AddConstraint(
            "boxrollup",
            models.UniqueConstraint(
                fields=("box", "resolution", "start"), include=_BOX_CHARTED, name="one_charted_box_rollup"
            ),
        ),
        migrations.AddConstraint(
            "queryrollup",
            models.UniqueConstraint(
                fields=("query_id", "resolution", "start"), include=_QUERY_CHARTED, name="one_charted_query_rollup"
            ),
        ),
    ]
