import type pg from 'pg';
import { row } from '../sql.ts';

/**
 * What the work on orphans remembers, beside the journal of runs and steps: what was decided, what was done to which row, and
 * what the host knows of people who have no chart yet. All of it in the transaction of the change itself.
 */
const orphanTables = `
CREATE TABLE IF NOT EXISTS onechart.orphan_decisions (
  "schemaName" text NOT NULL, "tableName" text NOT NULL, "columnName" text NOT NULL, action text NOT NULL,
  "runId" bigint NOT NULL, "decidedAt" timestamptz NOT NULL DEFAULT now(), "databaseUser" text NOT NULL DEFAULT session_user, "operatingSystemUser" text, host text,
  "carriedOutAt" timestamptz,
  CONSTRAINT orphan_decisions_pkey PRIMARY KEY ("schemaName", "tableName", "columnName"));
CREATE TABLE IF NOT EXISTS onechart.orphan_work (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT orphan_work_pkey PRIMARY KEY, "runId" bigint NOT NULL,
  "schemaName" text NOT NULL, "tableName" text NOT NULL, "columnName" text NOT NULL, action text NOT NULL, reason text,
  done bigint NOT NULL DEFAULT 0, "undoneAt" timestamptz);
CREATE TABLE IF NOT EXISTS onechart.orphan_rows (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT orphan_rows_pkey PRIMARY KEY, "workId" bigint NOT NULL,
  key jsonb NOT NULL, "orphanId" text NOT NULL, "row" jsonb, "undoneAt" timestamptz);
CREATE INDEX IF NOT EXISTS orphan_rows_open_idx ON onechart.orphan_rows ("workId", id) WHERE "undoneAt" IS NULL;
CREATE TABLE IF NOT EXISTS onechart.orphan_patients (
  "workId" bigint NOT NULL, "patientId" text NOT NULL, fingerprint text NOT NULL, "toQueue" boolean NOT NULL, "undoneAt" timestamptz,
  CONSTRAINT orphan_patients_pkey PRIMARY KEY ("workId", "patientId"));
CREATE INDEX IF NOT EXISTS "orphan_patients_toQueue_idx" ON onechart.orphan_patients ("workId", "patientId") WHERE "toQueue";
CREATE TABLE IF NOT EXISTS onechart.orphan_demographics (
  "schemaName" text NOT NULL, "patientId" text NOT NULL, data jsonb NOT NULL, "runId" bigint NOT NULL, "stagedAt" timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT orphan_demographics_pkey PRIMARY KEY ("schemaName", "patientId"));
COMMENT ON TABLE onechart.orphan_decisions IS 'What is to become of the orphans of a link column, decided before the patients table exists; apply carries it out.';
COMMENT ON TABLE onechart.orphan_work IS 'One row per run, link column and action on orphans.';
COMMENT ON TABLE onechart.orphan_rows IS 'Every row whose link was set to NULL: its key, the id it named and, where it was quarantined, the row as it was.';
COMMENT ON TABLE onechart.orphan_patients IS 'Every patient made or completed for an orphan id, with a fingerprint of what was written.';
COMMENT ON COLUMN onechart.orphan_patients."toQueue" IS 'Still to be put into the queue of placeholders, which did not exist when the patient was made.';
COMMENT ON TABLE onechart.orphan_demographics IS 'What a file of the host knows of orphan ids, until the patients are made; a row goes as it is used.';`;

/** Makes the tables where they are missing; the schema is that of the journal, so only after a run has begun. */
export async function ensureOrphanTables(client: pg.ClientBase): Promise<void> {
  if (!(await orphanTablesExist(client))) await client.query(orphanTables);
}

export async function orphanTablesExist(client: pg.ClientBase): Promise<boolean> {
  return (await row<{ there: boolean }>(client, `SELECT to_regclass('onechart.orphan_demographics') IS NOT NULL AS there`)).there;
}

/** The run that has just begun: whoever holds the migration lock has the latest. */
export async function currentRunId(client: pg.ClientBase, schema: string): Promise<number> {
  return Number((await row<{ id: string }>(client, 'SELECT max(id) AS id FROM onechart.migration_runs WHERE "schemaName" = $1', [schema])).id);
}
