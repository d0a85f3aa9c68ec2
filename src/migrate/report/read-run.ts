import type pg from 'pg';
import type { DatabaseAddress } from '../../base/config.ts';
import { AppError } from '../../base/errors.ts';
import { journalExists } from '../journal.ts';
import { withConnection } from '../preflight.ts';
import { workerLockKey } from '../run.ts';
import { rows } from '../sql.ts';
import type { RunRecord, RunStep, RunSummary } from './run-record.ts';

type RunRow = Omit<RunSummary, 'state'> & Pick<RunRecord, 'version' | 'details' | 'database'> & { readonly working: boolean };

/** A run without an end is running only if it is the last one and somebody holds the lock of the working connection. */
const runColumns = `r.id::int AS id, r.command, r."schemaName" AS schema, r.outcome, r."startedAt", r."finishedAt", r."databaseUser", r."operatingSystemUser", r.host, r.version,
  coalesce(r.details, '{}') AS details, coalesce(r.details->>'database', current_database()) AS database,
  r."finishedAt" IS NULL AND r.id = (SELECT max(id) FROM onechart.migration_runs)
    AND EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = 0 AND objid = ${workerLockKey} AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS working,
  (SELECT count(*)::int FROM onechart.migration_steps s WHERE s."runId" = r.id) AS steps,
  (SELECT coalesce(max("lockWaitMilliseconds") FILTER (WHERE attempts > 1), 0) FROM onechart.migration_steps s WHERE s."runId" = r.id) AS "longestLockWaitMilliseconds"`;

/**
 * Reads everything the journal knows of a run: of the last one on the schema of the address unless its number is given.
 * Works for a run that was killed, and while one is running.
 *
 * Errors: `RUN_MISSING` (not-found) when there is no such run, and those of connecting.
 *
 * @example
 * const run = await readRun({ address: parseDatabaseUrl('postgresql://ehr_user@127.0.0.1/ehr') });
 * console.log(run.command, run.state, run.steps.length);
 */
export async function readRun(options: { readonly address: DatabaseAddress }, number?: number): Promise<RunRecord> {
  return withConnection(options, async (client) => {
    const { schema } = options.address;
    const found = (await journalExists(client))
      ? await rows<RunRow>(
          client,
          `SELECT ${runColumns} FROM onechart.migration_runs r WHERE ${number === undefined ? `r."schemaName" = $1` : 'r.id = $1'} ORDER BY r.id DESC LIMIT 1`,
          [number ?? schema],
        )
      : [];
    const [run] = found;
    if (!run) throw missing(number, options.address);
    return record(client, run);
  });
}

/**
 * Lists the runs of the database, the latest first: all that changed something, whatever their end.
 *
 * @example
 * for (const run of await listRuns({ address: parseDatabaseUrl('postgresql://ehr_user@127.0.0.1/ehr') })) console.log(run.id, run.command, run.outcome);
 */
export async function listRuns(options: { readonly address: DatabaseAddress }): Promise<RunSummary[]> {
  return withConnection(options, async (client) => {
    if (!(await journalExists(client))) return [];
    const found = await rows<RunRow>(client, `SELECT ${runColumns} FROM onechart.migration_runs r ORDER BY r.id DESC`);
    return found.map((run) => ({
      ...who(run),
      state: stateOf(run),
      steps: run.steps,
      longestLockWaitMilliseconds: run.longestLockWaitMilliseconds,
    }));
  });
}

async function record(client: pg.ClientBase, run: RunRow): Promise<RunRecord> {
  const steps = await rows<RunStep>(
    client,
    `SELECT migration, step, title, "startedAt", "workMilliseconds", "lockWaitMilliseconds", attempts, "undoneAt" FROM onechart.migration_steps WHERE "runId" = $1 ORDER BY id`,
    [run.id],
  );
  const [next] = await rows<{ id: number; command: string }>(
    client,
    'SELECT id::int AS id, command FROM onechart.migration_runs WHERE "schemaName" = $1 AND id > $2 ORDER BY id LIMIT 1',
    [run.schema, run.id],
  );
  const continues = await rows<{ id: number }>(
    client,
    `SELECT id::int AS id FROM onechart.migration_runs WHERE "schemaName" = $1 AND id < $2
       AND id > coalesce((SELECT max(id) FROM onechart.migration_runs WHERE "schemaName" = $1 AND id < $2 AND "finishedAt" IS NOT NULL), 0) ORDER BY id`,
    [run.schema, run.id],
  );
  return {
    ...who(run),
    state: stateOf(run),
    database: run.database,
    version: run.version,
    details: run.details,
    serverVersion: typeof run.details.serverVersion === 'string' ? run.details.serverVersion : undefined,
    steps,
    next,
    continues: continues.map(({ id }) => id),
  };
}

function who({ id, command, schema, outcome, startedAt, finishedAt, databaseUser, operatingSystemUser, host }: RunRow) {
  return { id, command, schema, outcome, startedAt, finishedAt, databaseUser, operatingSystemUser, host };
}

function stateOf({ outcome, finishedAt, working }: Pick<RunRow, 'outcome' | 'finishedAt' | 'working'>): RunRecord['state'] {
  if (finishedAt === null) return working ? 'running' : 'cut-off';
  return outcome === 'done' ? 'done' : 'failed';
}

function missing(number: number | undefined, address: DatabaseAddress): AppError {
  return new AppError(
    'not-found',
    'RUN_MISSING',
    number === undefined
      ? `No run is recorded for schema "${address.schema}" of database "${address.database}": nothing has been changed by onechart migrate yet. Check the address, or name the schema with --schema.`
      : `No run ${number} is recorded in database "${address.database}". See the runs with: onechart migrate runs`,
    { run: number },
  );
}
