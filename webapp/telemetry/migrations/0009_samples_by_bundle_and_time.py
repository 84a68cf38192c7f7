"""Finds the span of a bundle version, and the queries' samples of a minute, by an index; nobody asks for a query's by
their bundle. Without a lock: tables of samples are the largest."""

from django.contrib.postgres.indexes import BrinIndex
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("telemetry", "0008_queries_in_box_rollups")]

    operations = [
        AddIndexConcurrently(
            "boxsample", models.Index(fields=["box", "bundle_version", "at"], name="telemetry_b_box_id_3a7935_idx")
        ),
        AddIndexConcurrently("querysample", BrinIndex(fields=["at"], name="query_sample_at_brin")),
        RemoveIndexConcurrently("boxsample", "telemetry_b_box_id_ae473c_idx"),
        RemoveIndexConcurrently("querysample", "telemetry_q_query_i_1c05ac_idx"),
    ]
