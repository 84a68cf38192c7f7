"""A drift is about a merged group on one box; those found so far are about the box that their group was found on."""

import django.db.models.deletion
from django.db import migrations, models

_FILL = """
UPDATE drift_drift SET box_id = merges_mergerun.box_id
FROM merges_mergedgroup JOIN merges_mergerun ON merges_mergerun.id = merges_mergedgroup.run_id
WHERE merges_mergedgroup.id = drift_drift.group_id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("drift", "0001_drifts_and_settings"),
        ("fleets", "0003_credential_renewal"),
        ("merges", "0007_run_starts_from"),
        ("workloads", "0003_query_priority"),
    ]

    operations = [
        migrations.AddField(
            model_name="drift",
            name="box",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="drifts", to="fleets.box"
            ),
        ),
        migrations.RunSQL(_FILL, migrations.RunSQL.noop),
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),  # before the table is altered again
        migrations.AlterField(
            model_name="drift",
            name="box",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="drifts", to="fleets.box"
            ),
        ),
        migrations.RemoveConstraint(model_name="drift", name="one_drift_per_merged_group"),
        migrations.AddConstraint(
            model_name="drift",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at", None)), fields=("group", "box"), name="one_drift_per_group_and_box"
            ),
        ),
        migrations.CreateModel(
            name="Baseline",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveIntegerField()),
                ("value", models.FloatField()),
                ("frames", models.PositiveIntegerField()),
                (
                    "member",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="merges.mergedgroupquery"
                    ),
                ),
                (
                    "query",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="workloads.query"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("query", "member", "version"), name="one_baseline_per_start")
                ],
            },
        ),
    ]
