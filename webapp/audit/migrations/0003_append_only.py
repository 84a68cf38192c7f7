"""Rows of the audit log cannot be changed or deleted, whatever code asks for it.

TRUNCATE is not covered: only the table's owner may, who could drop the trigger as well, and tests empty their database
with it.
"""

from django.db import migrations

REFUSE = """
CREATE FUNCTION audit_event_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The audit log is append-only: rows cannot be changed or deleted.'
        USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER audit_event_is_final BEFORE UPDATE OR DELETE ON audit_auditevent
    FOR EACH ROW EXECUTE FUNCTION audit_event_is_final();
"""
ALLOW = "DROP TRIGGER audit_event_is_final ON audit_auditevent; DROP FUNCTION audit_event_is_final();"


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_where_from")]
    operations = [migrations.RunSQL(REFUSE, ALLOW)]
