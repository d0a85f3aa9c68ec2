import type pg from 'pg';
import type { DatabaseAddress } from '../base/config.ts';
import { AppError } from '../base/errors.ts';
import { type Assessment, assess } from './assess.ts';
import { checkAssessment, checkReadable, checkServer, checkTableRights, type Finding, hostFindings } from './check.ts';
import { checkEnforced } from './check-enforced.ts';
import { checkNames } from './check-names.ts';
import { checkApprovals } from './hazard.ts';
import { explainLockTimeout } from './lock-gap.ts';
import type { HostOptions } from './module/index.ts';
import { readPartitions } from './partitions.ts';
import { buildPlan, type Plan } from './plan.ts';
import { connect, connectionError } from './session.ts';
import { touchedTables } from './shadow.ts';
import { loadMigrations, type MigrationSource } from './source.ts';
import { sqlstate } from './sql.ts';
import { readTraffic } from './traffic.ts';

/** What every command of the engine takes. */
export interface MigrateOptions {
  readonly address: DatabaseAddress;
  /** The host's Prisma folder; without it the built-in migrations are rendered for the host. */
  readonly dir?: string | undefined;
  /** Of a folder, look at the patient module's migrations only. */
  readonly onlyModule?: boolean | undefined;
  /** Hazards that a person has approved: a kind (`data-loss`) or a kind and its object (`data-loss:bills.legacyCode`). */
  readonly approvals?: readonly string[] | undefined;
  /** Link tables, `table` or `table.column`; the five of the surgical EHR by default. */
  readonly linkTables?: readonly string[] | undefined;
  /** Table of users, `false` for none; `users` by default. */
  readonly usersTable?: string | false | undefined;
}

export interface CheckResult {
  readonly findings: readonly Finding[];
  readonly assessment: Assessment | undefined;
}

/** Opens a connection for one piece of work and puts what the server says into the product's words. */
export async function withConnection<T>(options: MigrateOptions, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = await connect(options.address);
  try {
    return await work(client);
  } catch (error) {
    throw translate(await explainLockTimeout(client, error), options.address);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** The part of the options that says what the host's tables are called. */
export function hostOptions({ address, linkTables, usersTable }: MigrateOptions): HostOptions {
  return { schema: address.schema, ...(linkTables ? { linkTables } : {}), ...(usersTable === undefined ? {} : { usersTable }) };
}

/** Server, privileges, host, catalogue and history, in this order; stops where the next look would make no sense. */
export async function preflight(client: pg.Client, options: MigrateOptions): Promise<CheckResult & { source: MigrationSource | undefined }> {
  const { schema } = options.address;
  const findings = await checkServer(client, schema);
  if (findings.some(({ level }) => level === 'block')) return { findings, assessment: undefined, source: undefined };
  checkApprovals(options.approvals ?? []);
  const source = await loadMigrations(client, { ...hostOptions(options), dir: options.dir, onlyModule: options.onlyModule });
  findings.push(...hostFindings(source.findings));
  if (findings.some(({ level }) => level === 'block')) return { findings, assessment: undefined, source };
  const unreadable = await checkReadable(
    client,
    schema,
    source.files.map(({ sql }) => sql),
  );
  if (unreadable.length > 0) return { findings: [...findings, ...unreadable], assessment: undefined, source };
  const assessment = await assess(client, schema, source);
  findings.push(...checkAssessment(assessment, options.approvals ?? []), ...(await checkTableRights(client, schema, assessment)));
  findings.push(...(await checkNames(client, schema, assessment)), ...(await checkEnforced(client, schema, assessment)));
  return { findings, assessment, source };
}

/** The plan for an assessment, with the traffic of the tables as it is now. */
export async function planFor(client: pg.Client, schema: string, assessment: Assessment): Promise<Plan> {
  const tables = touchedTables(assessment.migrations.flatMap(({ statements }) => statements));
  const partitions = await readPartitions(client, schema, tables);
  const parts = [...partitions.values()].flat().map(({ name }) => name);
  return buildPlan(assessment, { traffic: await readTraffic(client, schema, [...tables, ...parts]), partitions });
}

/** What the engine's own queries can run into, in the product's words. */
export function translate(error: unknown, address: DatabaseAddress): unknown {
  if (error instanceof AppError) return error;
  const state = sqlstate(error);
  if (state === '42501')
    return new AppError(
      'forbidden',
      'DATABASE_PRIVILEGE_MISSING',
      `The user "${address.user}" lacks a privilege: ${(error as Error).message}. Run onechart migrate check for the list of what is needed.`,
      { sqlstate: state },
      { cause: error },
    );
  // The only keys the engine validates on rows of others are those to patients: somebody wrote an orphan after the check.
  if (state === '23503')
    return new AppError(
      'unsafe',
      'ORPHANS_PRESENT',
      'A link table holds an id that belongs to no patient; it was written after the check. What is done is whole. See the ids with onechart migrate orphans list, resolve them with onechart migrate orphans adopt | quarantine | null, then run the same command again.',
      { sqlstate: state },
      { cause: error },
    );
  if (state === '23505')
    return new AppError(
      'unsafe',
      'DUPLICATES_PRESENT',
      `A unique index cannot be built, because the table holds a value twice${(error as { constraint?: string }).constraint ? ` (${(error as { constraint?: string }).constraint})` : ''}. What is done is whole. Make the values unique, then run the same command again.`,
      { sqlstate: state, index: (error as { constraint?: string }).constraint },
      { cause: error },
    );
  if (state === '23514' || state === '23502')
    return new AppError(
      'unsafe',
      'ROWS_BREAK_RULE',
      'A table holds rows that break a rule of the migration; they were written after the check. What is done is whole. Correct the rows, then run the same command again.',
      { sqlstate: state, table: (error as { table?: string }).table, constraint: (error as { constraint?: string }).constraint },
      { cause: error },
    );
  if (state === '25006')
    return new AppError('unsafe', 'SERVER_READ_ONLY', 'The server takes no writes. Give the address of the primary.', { sqlstate: state }, { cause: error });
  if (state?.startsWith('08') || state?.startsWith('57P') || /Connection terminated|not queryable|ECONNRESET|EPIPE/.test(String((error as Error)?.message))) {
    const lost = connectionError(error, address);
    return new AppError(
      'resumable',
      'DATABASE_CONNECTION_LOST',
      'The connection to the server was lost. What is done is whole; run the same command again to go on.',
      lost.details,
      { cause: error },
    );
  }
  return error;
}
