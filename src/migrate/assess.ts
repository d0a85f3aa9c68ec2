import type pg from 'pg';
import { readCatalogue } from './catalogue.ts';
import { compareObject, type ObjectState } from './diff.ts';
import { checksumMatches, type HistoryRow, type HistoryState, historyState, lastAttempt, readHistory } from './history.ts';
import { completedSteps } from './journal.ts';
import type { MigrationFile } from './module/index.ts';
import { desiredCatalogue } from './shadow.ts';
import { rows } from './sql.ts';
import { parseMigration, type Statement } from './statement.ts';

/** A statement and how what it makes stands in the database. */
export interface AssessedStatement extends Statement {
  readonly object: ObjectState;
}

export interface AssessedMigration {
  readonly file: MigrationFile;
  readonly statements: readonly AssessedStatement[];
  readonly history: HistoryState;
  readonly attempt: HistoryRow | undefined;
  /** Applied with another text than the file has now. */
  readonly edited: boolean;
  /** Everything it makes is there, valid and as defined. */
  readonly complete: boolean;
}

export interface Assessment {
  readonly migrations: readonly AssessedMigration[];
  /** Undefined when the host has no `_prisma_migrations`. */
  readonly history: readonly HistoryRow[] | undefined;
  /** Migrations of the host that started and neither finished nor were rolled back. */
  readonly failedElsewhere: readonly HistoryRow[];
}

/** Compares the migrations with the catalogue, by definition and validity, and with the history. Changes nothing. */
export async function assess(client: pg.ClientBase, schema: string, files: readonly MigrationFile[]): Promise<Assessment> {
  const parsed = await Promise.all(files.map(async (file) => ({ file, statements: await parseMigration(file.name, file.sql) })));
  const desired = await desiredCatalogue(
    client,
    schema,
    parsed.flatMap(({ statements }) => statements),
  );
  const actual = await readCatalogue(client, schema);
  const history = await readHistory(client, schema);
  const done = await completedSteps(client, schema);
  const migrations: AssessedMigration[] = [];
  for (const { file, statements } of parsed) {
    const assessed: AssessedStatement[] = [];
    for (const statement of statements) {
      const object =
        statement.effect.kind === 'opaque'
          ? await scriptState(client, statement, done.has(`${file.name}/${statement.effect.name}`))
          : compareObject(statement.effect, desired, actual);
      assessed.push({ ...statement, object });
    }
    const attempt = lastAttempt(history ?? [], file.name);
    const state = historyState(history ?? [], file.name);
    migrations.push({
      file,
      statements: assessed,
      history: state,
      attempt,
      edited: state === 'applied' && attempt !== undefined && !checksumMatches(file.sql, attempt.checksum),
      complete: assessed.every(({ object }) => object.state === 'present'),
    });
  }
  const ours = new Set(files.map(({ name }) => name));
  const names = new Set((history ?? []).map(({ name }) => name).filter((name) => !ours.has(name)));
  const failedElsewhere = [...names]
    .filter((name) => historyState(history ?? [], name) === 'failed')
    .map((name) => lastAttempt(history ?? [], name) as HistoryRow);
  return { migrations, history, failedElsewhere };
}

async function scriptState(client: pg.ClientBase, statement: Statement, journalled: boolean): Promise<ObjectState> {
  if (statement.effect.kind !== 'opaque' || statement.effect.doneWhen === undefined) return { state: journalled ? 'present' : 'missing' };
  try {
    const [answer] = await rows<{ done: boolean | null }>(client, `SELECT (${statement.effect.doneWhen}) AS done`);
    return { state: answer?.done === true ? 'present' : 'missing' };
  } catch {
    // The question names a table that an earlier migration has yet to make.
    return { state: 'missing' };
  }
}

/** Everything that stands under one of our names with another definition. */
export function conflictsOf(assessment: Assessment): { migration: string; statement: AssessedStatement; expected: string; actual: string }[] {
  return assessment.migrations.flatMap(({ file, statements }) =>
    statements.flatMap((statement) =>
      statement.object.state === 'conflict' ? [{ migration: file.name, statement, expected: statement.object.expected, actual: statement.object.actual }] : [],
    ),
  );
}
