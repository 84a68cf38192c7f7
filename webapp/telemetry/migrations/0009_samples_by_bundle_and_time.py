"""Finds the span of a bundle version, and the queries' samples of a minute, by an index; nobody asks for a query's by
their bundle. Not concurrently: a backup is restored, and migrated, in one transaction."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0008_queries_in_box_rollups")]

    operations = [
        migrations.AddIndex(
            "boxsample", models.Index(fields=["box", "bundle_version", "at"], name="telemetry_b_box_id_3a7935_idx")
        ),
        migrations.AddIndex("querysample", BrinIndex(fields=["at"], name="query_sample_at_brin")),
        migrations.RemoveIndex("boxsample", "telemetry_b_box_id_ae473c_idx"),
        migrations.RemoveIndex("querysample", "telemetry_q_query_i_1c05ac_idx"),
    ]
