-- The app's role can neither change tables nor delete patients; audit rows can only be added. Roles belong to the whole server, so another
-- database may have made them before, or may be making them at this moment. Who may not create roles gets a notice and the grants that can be made.

-- The way back (onechart migrate rollback): the grants of this database. The roles stay; other databases of the server may use them.
-- onechart:undo DO $onechart$
-- onechart:undo DECLARE
-- onechart:undo   role_name text;
-- onechart:undo   relation text;
-- onechart:undo BEGIN
-- onechart:undo   FOR role_name IN SELECT rolname FROM pg_catalog.pg_roles WHERE rolname IN ('onechart_app', 'onechart_auditor', 'onechart_reader') LOOP
-- onechart:undo     FOREACH relation IN ARRAY ARRAY['patients', 'patient_contacts', 'patient_documents', 'patient_allergies', 'patient_risk_flags', 'patient_merge_history', 'mrn_authorities', 'mrn_formats', 'mrn_counters', 'mrn_blocks', 'mrn_returned_ranges', 'patient_audit_events', 'patient_outbox_events'] LOOP
-- onechart:undo       IF pg_catalog.to_regclass(pg_catalog.format('%I.%I', pg_catalog.current_schema(), relation)) IS NOT NULL THEN
-- onechart:undo         EXECUTE pg_catalog.format('REVOKE ALL ON TABLE %I.%I FROM %I', pg_catalog.current_schema(), relation, role_name);
-- onechart:undo       END IF;
-- onechart:undo     END LOOP;
-- onechart:undo     IF pg_catalog.to_regclass(pg_catalog.format('%I.%I', pg_catalog.current_schema(), 'patient_audit_events_seq_seq')) IS NOT NULL THEN
-- onechart:undo       EXECUTE pg_catalog.format('REVOKE ALL ON SEQUENCE %I.patient_audit_events_seq_seq FROM %I', pg_catalog.current_schema(), role_name);
-- onechart:undo     END IF;
-- onechart:undo     BEGIN
-- onechart:undo       EXECUTE pg_catalog.format('REVOKE USAGE ON SCHEMA %I FROM %I', pg_catalog.current_schema(), role_name);
-- onechart:undo     EXCEPTION WHEN insufficient_privilege THEN
-- onechart:undo       NULL; -- whoever may not revoke here could not grant either
-- onechart:undo     END;
-- onechart:undo   END LOOP;
-- onechart:undo END
-- onechart:undo $onechart$

-- onechart:done-when COALESCE((SELECT bool_and(COALESCE(CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = wanted.role) THEN pg_catalog.has_table_privilege(wanted.role, pg_catalog.to_regclass(pg_catalog.format('%I.%I', pg_catalog.current_schema(), wanted.relation)), privilege) ELSE NOT (SELECT me.rolsuper OR me.rolcreaterole FROM pg_catalog.pg_roles me WHERE me.rolname = CURRENT_USER) END, false)) FROM (VALUES ('onechart_app', 'patients', 'SELECT, INSERT, UPDATE'), ('onechart_app', 'patient_contacts', 'SELECT, INSERT, UPDATE, DELETE'), ('onechart_app', 'patient_documents', 'SELECT, INSERT, UPDATE, DELETE'), ('onechart_app', 'patient_allergies', 'SELECT, INSERT, UPDATE'), ('onechart_app', 'patient_risk_flags', 'SELECT, INSERT, UPDATE'), ('onechart_app', 'patient_merge_history', 'SELECT, INSERT'), ('onechart_app', 'mrn_authorities', 'SELECT, INSERT, UPDATE'), ('onechart_app', 'mrn_formats', 'SELECT, INSERT'), ('onechart_app', 'mrn_counters', 'SELECT, INSERT, UPDATE'), ('onechart_app', 'mrn_blocks', 'SELECT, INSERT, UPDATE'), ('onechart_app', 'mrn_returned_ranges', 'SELECT, INSERT, UPDATE'), ('onechart_app', 'patient_audit_events', 'SELECT, INSERT'), ('onechart_app', 'patient_outbox_events', 'SELECT, INSERT, UPDATE'), ('onechart_auditor', 'patient_audit_events', 'SELECT'), ('onechart_reader', 'patients', 'SELECT'), ('onechart_reader', 'patient_contacts', 'SELECT'), ('onechart_reader', 'patient_documents', 'SELECT'), ('onechart_reader', 'patient_allergies', 'SELECT'), ('onechart_reader', 'patient_risk_flags', 'SELECT'), ('onechart_reader', 'patient_merge_history', 'SELECT')) AS wanted(role, relation, privileges), LATERAL pg_catalog.unnest(pg_catalog.string_to_array(wanted.privileges, ', ')) AS privilege), false) AND COALESCE(CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = 'onechart_app') THEN pg_catalog.has_sequence_privilege('onechart_app', pg_catalog.to_regclass(pg_catalog.format('%I.%I', pg_catalog.current_schema(), 'patient_audit_events_seq_seq')), 'USAGE') ELSE NOT (SELECT me.rolsuper OR me.rolcreaterole FROM pg_catalog.pg_roles me WHERE me.rolname = CURRENT_USER) END, false)
DO $onechart$
DECLARE
  -- role, privileges, tables
  grants CONSTANT text[] := ARRAY[
    ['onechart_app', 'SELECT, INSERT, UPDATE', 'patients'],
    ['onechart_app', 'SELECT, INSERT, UPDATE, DELETE', 'patient_contacts'],
    ['onechart_app', 'SELECT, INSERT, UPDATE, DELETE', 'patient_documents'],
    ['onechart_app', 'SELECT, INSERT, UPDATE', 'patient_allergies'],
    ['onechart_app', 'SELECT, INSERT, UPDATE', 'patient_risk_flags'],
    ['onechart_app', 'SELECT, INSERT', 'patient_merge_history'],
    ['onechart_app', 'SELECT, INSERT, UPDATE', 'mrn_authorities'],
    ['onechart_app', 'SELECT, INSERT', 'mrn_formats'],
    ['onechart_app', 'SELECT, INSERT, UPDATE', 'mrn_counters'],
    ['onechart_app', 'SELECT, INSERT, UPDATE', 'mrn_blocks'],
    ['onechart_app', 'SELECT, INSERT, UPDATE', 'mrn_returned_ranges'],
    ['onechart_app', 'SELECT, INSERT', 'patient_audit_events'],
    ['onechart_app', 'SELECT, INSERT, UPDATE', 'patient_outbox_events'],
    ['onechart_auditor', 'SELECT', 'patient_audit_events'],
    ['onechart_reader', 'SELECT', 'patients'],
    ['onechart_reader', 'SELECT', 'patient_contacts'],
    ['onechart_reader', 'SELECT', 'patient_documents'],
    ['onechart_reader', 'SELECT', 'patient_allergies'],
    ['onechart_reader', 'SELECT', 'patient_risk_flags'],
    ['onechart_reader', 'SELECT', 'patient_merge_history']
  ];
  wanted text[];
  role_name text;
BEGIN
  FOREACH role_name IN ARRAY ARRAY['onechart_app', 'onechart_auditor', 'onechart_reader'] LOOP
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = role_name) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
      EXCEPTION
        WHEN duplicate_object OR unique_violation THEN
          NULL; -- another database made it in the meantime
        WHEN insufficient_privilege THEN
          RAISE NOTICE 'Role % is missing and % may not create it. Let an administrator run: CREATE ROLE % NOLOGIN; then apply the migrations again.', role_name, current_user, role_name;
      END;
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = role_name) THEN
      BEGIN
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), role_name);
      EXCEPTION WHEN insufficient_privilege THEN
        RAISE NOTICE '% may not grant on schema %. Let its owner run: GRANT USAGE ON SCHEMA % TO %;', current_user, current_schema(), quote_ident(current_schema()), role_name;
      END;
    END IF;
  END LOOP;

  FOREACH wanted SLICE 1 IN ARRAY grants LOOP
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted[1]) THEN
      EXECUTE format('GRANT %s ON TABLE %I.%I TO %I', wanted[2], current_schema(), wanted[3], wanted[1]);
    END IF;
  END LOOP;
  -- The rows of the audit trail are numbered by it.
  IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'onechart_app') THEN
    EXECUTE format('GRANT USAGE ON SEQUENCE %I.patient_audit_events_seq_seq TO onechart_app', current_schema());
  END IF;
END
$onechart$;
