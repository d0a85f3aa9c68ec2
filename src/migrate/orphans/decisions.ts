import { hostname, userInfo } from 'node:os';
import type pg from 'pg';
import { AppError } from '../../base/errors.ts';
import { rows } from '../sql.ts';
import type { Step } from '../step.ts';
import { type LinkColumn, type LinkFacts, nameOf } from './link-columns.ts';
import { literal } from './statements.ts';
import { orphanTablesExist } from './tables.ts';

/** What can become of orphans. */
export const orphanActions = ['adopt', 'quarantine', 'null'] as const;
export type OrphanAction = (typeof orphanActions)[number];

export interface Decision {
  readonly table: string;
  readonly column: string;
  readonly action: OrphanAction;
}

/** The decisions that have not been carried out yet. */
export async function openDecisions(client: pg.ClientBase, schema: string): Promise<Decision[]> {
  if (!(await orphanTablesExist(client))) return [];
  return rows<Decision>(
    client,
    'SELECT "tableName" AS table, "columnName" AS column, action FROM onechart.orphan_decisions WHERE "schemaName" = $1 AND "carriedOutAt" IS NULL',
    [schema],
  );
}

/** Writes down what is to become of a column's orphans; a later decision takes the place of an earlier one. */
export async function decide(client: pg.ClientBase, link: LinkColumn, { action, runId }: { action: OrphanAction; runId: number }): Promise<void> {
  await client.query(
    `INSERT INTO onechart.orphan_decisions ("schemaName", "tableName", "columnName", action, "runId", "operatingSystemUser", host) VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT ("schemaName", "tableName", "columnName") DO UPDATE SET action = excluded.action, "runId" = excluded."runId", "decidedAt" = now(),
       "databaseUser" = session_user, "operatingSystemUser" = excluded."operatingSystemUser", host = excluded.host, "carriedOutAt" = NULL`,
    [link.home, link.table, link.column, action, runId, userInfo().username, hostname()],
  );
}

export function actionFor({ table, column }: LinkColumn, decisions: readonly Decision[]): OrphanAction | undefined {
  return decisions.find((each) => each.table === table && each.column === column)?.action;
}

/** The step that says a decision is carried out. */
export function settle(link: LinkColumn, { runId }: { runId: number }): Step {
  const where = `"schemaName" = ${literal(link.home)} AND "tableName" = ${literal(link.table)} AND "columnName" = ${literal(link.column)}`;
  return {
    migration: link.migration,
    key: `orphans ${nameOf(link)}`,
    title: `Orphans of ${nameOf(link)} resolved`,
    kind: 'rows',
    statements: [`UPDATE onechart.orphan_decisions SET "carriedOutAt" = now(), "runId" = ${runId} WHERE ${where}`],
    lock: undefined,
    tables: [],
    estimate: { milliseconds: 5, writeWaitMilliseconds: 0 },
  };
}

/** Why an action is impossible for a column, in words with the remedy; undefined when it can be done. */
export function refusal(link: LinkColumn, { action, facts, blankRows }: { action: OrphanAction; facts: LinkFacts; blankRows: number }): AppError | undefined {
  const name = nameOf(link);
  const details = { table: link.table, column: link.column, action };
  if (action === 'adopt') {
    if (blankRows === 0) return undefined;
    return new AppError(
      'unsafe',
      'ORPHAN_IDS_BLANK',
      `${name} has ${blankRows} rows whose id is empty or white space; that is no id of anybody. Set those to NULL first: onechart migrate orphans null --blank --table ${name} (or quarantine --blank to keep copies), then adopt the others.`,
      { ...details, blankRows },
    );
  }
  if (facts.notNull)
    return new AppError(
      'unsafe',
      'ORPHAN_COLUMN_NOT_NULL',
      `${name} is NOT NULL, so it cannot be set to NULL. Adopt its orphans instead: onechart migrate orphans adopt --table ${name}`,
      details,
    );
  if (facts.primaryKey.length === 0)
    return new AppError(
      'unsafe',
      'ORPHAN_TABLE_WITHOUT_KEY',
      `Table ${link.table} has no primary key, so what is done to its rows could not be named and taken back. Give it one, or adopt its orphans: onechart migrate orphans adopt --table ${name}`,
      details,
    );
  return undefined;
}
