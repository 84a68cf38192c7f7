"""What a fleet's page asks of queries stands with their box from now on, and minutes are added up once they are over."""

from django.db import migrations, models

_FILL = """
UPDATE telemetry_boxrollup AS box SET captured = asked.captured, processed = asked.processed, judged = asked.judged,
    kept = asked.kept
FROM (
    SELECT box_id, start, sum(captured) AS captured, sum(processed) AS processed, count(agreement) AS judged,
        count(*) FILTER (WHERE agreement >= query.accuracy_target) AS kept
    FROM telemetry_queryrollup rollup JOIN workloads_query query ON query.id = rollup.query_id
    WHERE resolution = 'hour' AND start >= date_trunc('hour', now()) - INTERVAL '24 hours' GROUP BY box_id, start
) asked
WHERE box.resolution = 'hour' AND box.box_id = asked.box_id AND box.start = asked.start
"""
# The newest minutes may lack samples: from the newest that is left on all of them are added up again.
_FORGET_NEWEST = """
DELETE FROM telemetry_boxrollup WHERE resolution = 'minute' AND start >= (
    SELECT max(start) - INTERVAL '3 minutes' FROM telemetry_boxrollup WHERE resolution = 'minute'
)
"""


class Migration(migrations.Migration):
    dependencies = [
        ("telemetry", "0007_late_rollups_by_box"),
        ("workloads", "0005_model_recognition"),
    ]

    operations = [
        migrations.AddField("boxrollup", "captured", models.BigIntegerField(db_default=0, default=0)),
        migrations.AddField("boxrollup", "processed", models.BigIntegerField(db_default=0, default=0)),
        migrations.AddField("boxrollup", "judged", models.PositiveIntegerField(db_default=0, default=0)),
        migrations.AddField("boxrollup", "kept", models.PositiveIntegerField(db_default=0, default=0)),
        migrations.RunSQL([_FILL, _FORGET_NEWEST], migrations.RunSQL.noop),
    ]
