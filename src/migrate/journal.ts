import type pg from 'pg';
import { row, rows } from './sql.ts';

/**
 * The engine's own record, in a schema of its own so that Prisma, which looks at the host's schemas only, never sees
 * it as drift: each migration's text as it was applied, each run, each step with its times and waits.
 */
const journalTables = `
CREATE TABLE IF NOT EXISTS onechart.migration_files (
  "schemaName" text NOT NULL, name text NOT NULL, checksum text NOT NULL, sql text NOT NULL, "attemptId" text, "recordedAt" timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT migration_files_pkey PRIMARY KEY ("schemaName", name));
CREATE TABLE IF NOT EXISTS onechart.migration_runs (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT migration_runs_pkey PRIMARY KEY, "schemaName" text NOT NULL, command text NOT NULL, "startedAt" timestamptz NOT NULL DEFAULT now(),
  "finishedAt" timestamptz, outcome text, "databaseUser" text NOT NULL DEFAULT session_user, "operatingSystemUser" text, host text, version text, details jsonb);
CREATE TABLE IF NOT EXISTS onechart.migration_steps (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT migration_steps_pkey PRIMARY KEY, "runId" bigint NOT NULL CONSTRAINT "migration_steps_runId_fkey" REFERENCES onechart.migration_runs (id),
  migration text NOT NULL, step text NOT NULL, title text NOT NULL, statement text NOT NULL, "startedAt" timestamptz NOT NULL, "finishedAt" timestamptz NOT NULL,
  "workMilliseconds" double precision NOT NULL, "lockWaitMilliseconds" double precision NOT NULL, attempts integer NOT NULL, "undoneAt" timestamptz);
COMMENT ON TABLE onechart.migration_files IS 'The text of every migration as it was applied.';
COMMENT ON TABLE onechart.migration_runs IS 'Every run that changed something: which command, who, where from, when, how it ended. A run without an end was cut off.';
COMMENT ON COLUMN onechart.migration_runs.details IS 'What was checked, planned and found afterwards, for the report.';
COMMENT ON TABLE onechart.migration_steps IS 'Every step done: what, when, how long it ran and how long it waited for locks.';
COMMENT ON COLUMN onechart.migration_steps."undoneAt" IS 'Set by a rollback: the step counts as not done.';`;

export async function ensureJournal(client: pg.ClientBase): Promise<void> {
  if (await journalExists(client)) return;
  // Not IF NOT EXISTS, which asks for CREATE on the database even where an administrator has made the schema for this user.
  const { there } = await row<{ there: boolean }>(client, `SELECT to_regnamespace('onechart') IS NOT NULL AS there`);
  await client.query(`${there ? '' : `CREATE SCHEMA onechart; COMMENT ON SCHEMA onechart IS 'Journal of the OneChart migration engine.';`}${journalTables}`);
}

export async function journalExists(client: pg.ClientBase): Promise<boolean> {
  return (
    await row<{ there: boolean }>(
      client,
      `SELECT to_regclass('onechart.migration_steps') IS NOT NULL AND to_regclass('onechart.migration_runs') IS NOT NULL AND to_regclass('onechart.migration_files') IS NOT NULL AS there`,
    )
  ).there;
}

export interface RecordedFile {
  readonly name: string;
  readonly checksum: string;
  readonly sql: string;
  /** The history row of the attempt that recorded it. */
  readonly attemptId: string | null;
}

export async function recordedFiles(client: pg.ClientBase, schema: string): Promise<RecordedFile[]> {
  if (!(await journalExists(client))) return [];
  return rows<RecordedFile>(client, 'SELECT name, checksum, sql, "attemptId" FROM onechart.migration_files WHERE "schemaName" = $1 ORDER BY name', [schema]);
}

export async function recordFile(client: pg.ClientBase, schema: string, file: RecordedFile): Promise<void> {
  await client.query(
    `INSERT INTO onechart.migration_files ("schemaName", name, checksum, sql, "attemptId") VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT ("schemaName", name) DO UPDATE SET checksum = excluded.checksum, sql = excluded.sql, "attemptId" = excluded."attemptId", "recordedAt" = now()`,
    [schema, file.name, file.checksum, file.sql, file.attemptId],
  );
}

export async function startRun(
  client: pg.ClientBase,
  run: { schema: string; command: string; operatingSystemUser: string; host: string; version: string },
): Promise<number> {
  const { id } = await row<{ id: string }>(
    client,
    `INSERT INTO onechart.migration_runs ("schemaName", command, "operatingSystemUser", host, version, details)
     VALUES ($1, $2, $3, $4, $5, jsonb_build_object('database', current_database(), 'serverVersion', current_setting('server_version'))) RETURNING id`,
    [run.schema, run.command, run.operatingSystemUser, run.host, run.version],
  );
  return Number(id);
}

export async function finishRun(client: pg.ClientBase, runId: number, outcome: string): Promise<void> {
  await client.query('UPDATE onechart.migration_runs SET "finishedAt" = now(), outcome = $2 WHERE id = $1', [runId, outcome]);
}

/** Adds to what a run tells its report; a part written twice is the later one. */
export async function noteRunDetails(client: pg.ClientBase, runId: number, details: Readonly<Record<string, unknown>>): Promise<void> {
  await client.query(`UPDATE onechart.migration_runs SET details = coalesce(details, '{}') || $2::jsonb WHERE id = $1`, [runId, JSON.stringify(details)]);
}

export interface StepRecord {
  readonly runId: number;
  readonly migration: string;
  readonly step: string;
  readonly title: string;
  readonly statement: string;
  readonly startedAt: Date;
  readonly workMilliseconds: number;
  readonly lockWaitMilliseconds: number;
  readonly attempts: number;
}

/** Written in the step's own transaction where it has one: done and recorded, or neither. */
export async function recordStep(client: pg.ClientBase, step: StepRecord): Promise<number> {
  const { id } = await row<{ id: string }>(
    client,
    `INSERT INTO onechart.migration_steps ("runId", migration, step, title, statement, "startedAt", "finishedAt", "workMilliseconds", "lockWaitMilliseconds", attempts)
     VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp(), $7, $8, $9) RETURNING id`,
    [step.runId, step.migration, step.step, step.title, step.statement, step.startedAt, step.workMilliseconds, step.lockWaitMilliseconds, step.attempts],
  );
  return Number(id);
}

/** Completes a step's row with the time since it was written, measured by the server. */
export function endOfStep(id: number): string {
  return `UPDATE onechart.migration_steps SET "finishedAt" = clock_timestamp(), "workMilliseconds" = 1000 * extract(epoch FROM clock_timestamp() - "finishedAt") WHERE id = ${id}`;
}

/** Keys of the steps that were ever completed, for scripts that cannot be asked whether they ran. */
export async function completedSteps(client: pg.ClientBase, schema: string): Promise<Set<string>> {
  if (!(await journalExists(client))) return new Set();
  const done = await rows<{ key: string }>(
    client,
    `SELECT DISTINCT s.migration || '/' || s.step AS key FROM onechart.migration_steps s JOIN onechart.migration_runs r ON r.id = s."runId" WHERE r."schemaName" = $1 AND s."undoneAt" IS NULL`,
    [schema],
  );
  return new Set(done.map(({ key }) => key));
}

/** The folder of rows that a rollback has exported last, while nobody has brought them back. */
export async function exportNotBack(client: pg.ClientBase, schema: string): Promise<{ folder: string; at: Date } | undefined> {
  if (!(await journalExists(client))) return undefined;
  const [last] = await rows<{ folder: string; at: Date; back: boolean; rows: number }>(
    client,
    `SELECT r.details -> 'exported' ->> 'folder' AS folder, r."startedAt" AS at,
       (SELECT coalesce(sum((t ->> 'rows')::bigint), 0)::float8 FROM jsonb_array_elements(r.details -> 'exported' -> 'tables') t) AS rows,
       EXISTS (SELECT FROM onechart.migration_steps s WHERE s.migration = 'import' AND s.step = 'import ' || (r.details -> 'exported' ->> 'id') AND s."undoneAt" IS NULL) AS back
     FROM onechart.migration_runs r WHERE r."schemaName" = $1 AND r.details ? 'exported' ORDER BY r.id DESC LIMIT 1`,
    [schema],
  );
  return last && !last.back && last.rows > 0 ? { folder: last.folder, at: last.at } : undefined;
}
