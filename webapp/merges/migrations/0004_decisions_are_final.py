"""A decision cannot be changed or deleted, whatever code asks for it; as for the audit log, TRUNCATE is not covered."""

import django.db.models.deletion
from django.db import migrations, models

REFUSE = """
CREATE FUNCTION merges_decision_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Decisions are append-only: rows cannot be changed or deleted.'
        USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER merges_decision_is_final BEFORE UPDATE OR DELETE ON merges_decision
    FOR EACH ROW EXECUTE FUNCTION merges_decision_is_final();
"""
ALLOW = "DROP TRIGGER merges_decision_is_final ON merges_decision; DROP FUNCTION merges_decision_is_final();"


class Migration(migrations.Migration):
    dependencies = [("merges", "0003_run_match")]
    operations = [
        migrations.AlterField(
            model_name="decision",
            name="group",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="decisions", to="merges.mergedgroup"
            ),
        ),
        migrations.RunSQL(REFUSE, ALLOW),
    ]
