import type pg from 'pg';
import { type Catalogue, readCatalogue } from './catalogue.ts';
import { compareObject, type ObjectState } from './diff.ts';
import { checksumMatches, type HistoryRow, type HistoryState, historyState, lastAttempt, readHistory } from './history.ts';
import { completedSteps } from './journal.ts';
import type { MigrationFile } from './module/index.ts';
import { asScript } from './classify.ts';
import { splitRelation } from './relation.ts';
import { desiredCatalogue, touchedTables } from './shadow.ts';
import { isModuleMigration } from './source.ts';
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
  /**
   * False for a migration of the host that its history calls applied: later ones may have changed what it made, so its objects
   * are not looked for one by one. `onechart migrate drift` compares the sum of them all.
   */
  readonly compared: boolean;
}

export interface Assessment {
  readonly migrations: readonly AssessedMigration[];
  /** Undefined when the host has no `_prisma_migrations`. */
  readonly history: readonly HistoryRow[] | undefined;
  /** Migrations of the host, none of the files, that started and neither finished nor were rolled back. */
  readonly failedElsewhere: readonly HistoryRow[];
  /** Names that the history calls applied and no file bears; only known where a whole folder was read. */
  readonly withoutFile: readonly string[];
  /** Pending migrations that come before one that is applied. */
  readonly outOfOrder: readonly string[];
}

/** Compares the migrations with the catalogue, by definition and validity, and with the history. Changes nothing. */
export async function assess(
  client: pg.ClientBase,
  schema: string,
  { files, wholeFolder }: { files: readonly MigrationFile[]; wholeFolder?: boolean },
): Promise<Assessment> {
  const history = await readHistory(client, schema);
  const stateOf = (name: string) => historyState(history ?? [], name);
  const parsed = await Promise.all(
    files.map(async (file) => ({
      file,
      compared: isModuleMigration(file.name) || stateOf(file.name) !== 'applied',
      statements: await parseMigration(file.name, file.sql, schema),
    })),
  );
  const compared = parsed.flatMap((each) => (each.compared ? each.statements : []));
  const desired = await desiredCatalogue(client, schema, compared);
  const actual = asAfterRebuilds(await readCatalogue(client, schema, otherSchemas(compared, schema)));
  const done = await completedSteps(client, schema);
  const effects = compared.map(({ effect }) => effect);
  let position = 0;
  const migrations: AssessedMigration[] = [];
  for (const each of parsed) {
    const { file } = each;
    const attempt = lastAttempt(history ?? [], file.name);
    const state = stateOf(file.name);
    const assessed: AssessedStatement[] = [];
    for (const parsedStatement of each.statements) {
      if (!each.compared) {
        assessed.push({ ...parsedStatement, object: { state: 'present' } });
        continue;
      }
      position += 1;
      const statement = drawn(parsedStatement, desired);
      const journalled = done.has(`${file.name}/${statement.effect.name}`);
      const object =
        statement.effect.kind === 'opaque'
          ? await scriptState(client, statement, journalled)
          : compareObject(statement.effect, { desired: desired.catalogue, actual, later: effects.slice(position) });
      assessed.push({ ...statement, object });
    }
    migrations.push({
      file,
      statements: begunByUs(done, file.name) ? assessed : withRerunHazards(assessed, { failed: state === 'failed' }),
      history: state,
      attempt,
      edited: state === 'applied' && attempt !== undefined && !checksumMatches(file.sql, attempt.checksum),
      complete: assessed.every(({ object }) => object.state === 'present'),
      compared: each.compared,
    });
  }
  const ours = new Set(files.map(({ name }) => name));
  const others = [...new Set((history ?? []).map(({ name }) => name).filter((name) => !ours.has(name)))];
  const lastApplied = migrations.findLast(({ file, history: state }) => state === 'applied' && !isModuleMigration(file.name))?.file.name ?? '';
  return {
    migrations,
    history,
    failedElsewhere: others.filter((name) => stateOf(name) === 'failed').map((name) => lastAttempt(history ?? [], name) as HistoryRow),
    withoutFile: wholeFolder ? others.filter((name) => stateOf(name) === 'applied') : [],
    outOfOrder: migrations.flatMap(({ file, history: state }) =>
      state !== 'applied' && !isModuleMigration(file.name) && file.name < lastApplied ? [file.name] : [],
    ),
  };
}

/** An INVALID index is dropped and built anew, and its comment goes with it: to be written again, even where it is there now. */
function asAfterRebuilds(actual: Catalogue): Catalogue {
  return { ...actual, comments: new Map([...actual.comments].filter(([name]) => actual.indexes.get(name)?.valid !== false)) };
}

/** What was found out about a statement when it was tried on empty copies. */
function drawn(statement: Statement, desired: { undrawable: ReadonlySet<Statement>; rewriting: ReadonlySet<Statement> }): Statement {
  if (desired.undrawable.has(statement)) return asScript(statement);
  if (!desired.rewriting.has(statement) || !('table' in statement.effect)) return statement;
  return { ...statement, hazards: [...statement.hazards, { kind: 'rewrite', on: `${statement.effect.table}.${statement.effect.name}` }] };
}

function begunByUs(done: ReadonlySet<string>, migration: string): boolean {
  return [...done].some((key) => key.startsWith(`${migration}/`));
}

/**
 * A script leaves nothing to be compared. Where other parts of its migration are there, or an attempt failed, and the journal knows
 * nothing of it, it may have run by hand; a person has to say that it may run (again).
 */
function withRerunHazards(statements: readonly AssessedStatement[], { failed }: { failed: boolean }): AssessedStatement[] {
  const begun = failed || statements.some(({ effect, object }) => effect.kind !== 'opaque' && effect.kind !== 'drop' && object.state === 'present');
  if (!begun) return [...statements];
  return statements.map((statement) => {
    const { effect, object } = statement;
    if (effect.kind !== 'opaque' || effect.doneWhen !== undefined || effect.idempotent || object.state === 'present') return statement;
    return { ...statement, hazards: [...statement.hazards, { kind: 'rerun', on: effect.name }] };
  });
}

function otherSchemas(statements: readonly Statement[], home: string): string[] {
  const types = statements.flatMap(({ effect }) => (effect.kind === 'enum' || effect.kind === 'enum-value' ? [effect.name] : []));
  const dropped = statements.flatMap(({ effect }) => (effect.kind === 'drop' ? [effect.table ?? effect.name] : []));
  const names = [...touchedTables(statements), ...types, ...dropped];
  return [...new Set(names.map((name) => splitRelation(name, home).schema))].filter((schema) => schema !== home);
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
