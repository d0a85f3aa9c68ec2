import pg from 'pg';
import type { AssessedMigration, AssessedStatement } from '../assess.ts';
import { prismaName } from '../module/index.ts';
import type { Partition } from '../partitions.ts';
import { quoteRelation, relationName, splitRelation } from '../relation.ts';
import { quote } from '../sql.ts';
import type { Effect } from '../statement.ts';
import type { Step } from '../step.ts';
import type { TableTraffic } from '../traffic.ts';
import type { ColumnsOf } from './column-values.ts';
import { wayBackOf } from './way-back.ts';

/** The way back as steps, and what it ends in. */
export interface UndoPlan {
  /** One short transaction each, in this order; none touches a row. */
  readonly steps: readonly Step[];
  /** The transaction at the end: drops the tables and types, closes the history. */
  readonly last: Step | undefined;
  /** Tables of the module that are dropped in the last step. */
  readonly tables: readonly string[];
  readonly enums: readonly string[];
  /** Indexes dropped from tables that stay. */
  readonly indexes: readonly string[];
  /** Columns dropped from tables that stay, each with the step that does it. */
  readonly droppedColumns: readonly (ColumnsOf & { readonly step: Step })[];
  /** What the migrations did and this does not take back. */
  readonly stays: readonly string[];
}

export interface Surroundings {
  readonly traffic: ReadonlyMap<string, TableTraffic>;
  /** Partitions of the partitioned tables among those that are touched; such a table's indexes cannot be dropped concurrently. */
  readonly partitions: ReadonlyMap<string, readonly Partition[]>;
  /** Rows of each table that is to be dropped. */
  readonly rows: ReadonlyMap<string, number>;
  /** Whether there is a _prisma_migrations to be written. */
  readonly hasHistory: boolean;
  readonly schema: string;
  /** Rows are written to files before they go. */
  readonly exporting: boolean;
}

/** Costs as of the plan of an apply; a row's export with 1.1 million rows in 240 MB: 14.2 s (embedded PostgreSQL 18, load 20 on 2 cores). */
const cost = { briefMilliseconds: 4, indexMilliseconds: 12, objectMilliseconds: 1, exportRowMicroseconds: 13, valueRowMicroseconds: 0.1 };

/**
 * Derives the way back from the statements, last first. Pure.
 *
 * What hangs on a table that stays is taken off in a transaction of its own: keys, checks, comments, columns under the lock
 * timeout, indexes CONCURRENTLY. What hangs only on tables that go, goes with them. The tables go together at the end, when nothing
 * that is in use refers to them any more.
 */
export function buildUndoPlan(migrations: readonly AssessedMigration[], around: Surroundings): UndoPlan {
  const all = migrations.flatMap(({ file, statements }) => statements.toReversed().map((statement) => ({ file, statement })));
  const there = all.filter(({ statement }) => statement.object.state === 'present' || statement.object.state === 'invalid');
  const named = (kind: 'table' | 'enum') => there.flatMap(({ statement: { effect } }) => (effect.kind === kind ? [effect.name] : []));
  const tables = named('table');
  const enums = named('enum');
  const goes = (table: string) => tables.includes(table);
  const make = stepMaker(around);
  // Before the walk: in a file, comments stand after what they are on, so the walk meets them first.
  const indexes = there.flatMap(({ statement: { effect } }) => (effect.kind === 'index' && !goes(effect.table) ? [effect.name] : []));
  const columns = new Set(there.flatMap(({ statement: { effect } }) => (effect.kind === 'column' && !goes(effect.table) ? [columnName(effect)] : [])));

  const steps: Step[] = [];
  const droppedColumns: (ColumnsOf & { step: Step })[] = [];
  const stays: string[] = [];
  for (const { file, statements, history } of migrations) {
    const comments: AssessedStatement[] = [];
    const added: (Effect & { kind: 'column' })[] = [];
    for (const statement of statements.toReversed()) {
      const { effect, object } = statement;
      if (effect.kind === 'opaque') {
        const back = wayBackOf(file.sql, statement.text);
        const mayHaveRun = object.state === 'present' || history === 'applied' || history === 'failed';
        if (back.kind === 'sql' && mayHaveRun) steps.push(make.script(file.name, statement, back.sql));
        if (back.kind === 'unknown' && mayHaveRun)
          stays.push(`What the ${effect.name} of ${file.name} did stays: the file says no way back (-- onechart:undo).`);
        continue;
      }
      steps.push(...partitionSteps(statement, { goes, make, around, migration: file.name }));
      if (object.state !== 'present' && object.state !== 'invalid') continue;
      if (effect.kind === 'foreign-key' && !(goes(effect.table) && goes(effect.references))) steps.push(make.constraint(file.name, effect));
      else if (effect.kind === 'check' && !goes(effect.table)) steps.push(make.constraint(file.name, effect));
      else if (effect.kind === 'index' && !goes(effect.table)) steps.push(make.index(file.name, effect));
      else if (effect.kind === 'column' && !goes(effect.table)) added.unshift(effect);
      else if (effect.kind === 'comment' && commentStays(effect, { goes, enums, indexes, columns, statements: all.map((each) => each.statement) }))
        comments.push(statement);
      // A change of a column goes with its table.
      else if (
        !['table', 'enum', 'column', 'index', 'foreign-key', 'check', 'comment'].includes(effect.kind) &&
        !('table' in effect && goes(effect.table ?? ''))
      )
        stays.push(
          `${effect.kind} ${effect.name} of ${file.name} stays: this version takes back tables, enums, columns, indexes, keys, checks, comments and scripts that say how.`,
        );
    }
    if (comments.length > 0) steps.push(make.comments(file.name, comments));
    // Last, when no key, check or index of ours stands on them.
    for (const [table, of] of Map.groupBy(added, (each) => each.table)) {
      const dropped = { table, columns: of.map(({ name }) => name) };
      const step = make.columns(file.name, dropped);
      droppedColumns.push({ ...dropped, step });
      steps.push(step);
    }
  }
  return { steps, last: migrations.length === 0 ? undefined : make.last(migrations, { tables, enums }), tables, enums, indexes, droppedColumns, stays };
}

/** What an apply that was cut off has made on the partitions, and the table itself has not taken over yet. */
function partitionSteps(
  { effect, object }: AssessedStatement,
  { goes, make, around, migration }: { goes: (table: string) => boolean; make: ReturnType<typeof stepMaker>; around: Surroundings; migration: string },
): Step[] {
  if ((effect.kind !== 'foreign-key' && effect.kind !== 'index') || goes(effect.table)) return [];
  const partitions = around.partitions.get(effect.table) ?? [];
  if (effect.kind === 'foreign-key') {
    if (object.state !== 'missing') return [];
    return partitions
      .filter(({ leaf, keys }) => leaf && keys[effect.name] !== undefined)
      .map(({ name }) => make.constraint(migration, { ...effect, table: name }, true));
  }
  return partitions.toReversed().flatMap(({ name, leaf, indexes }) => {
    const { schema, name: bare } = splitRelation(name, around.schema);
    const index = prismaName(bare, effect.columns, '_idx');
    const found = indexes[index];
    if (!found || found.attached) return [];
    return [make.index(migration, { ...effect, name: relationName(schema, index, around.schema), table: name }, leaf)];
  });
}

/** A comment whose object goes, goes with it. */
function commentStays(
  effect: Effect & { kind: 'comment' },
  known: {
    goes: (table: string) => boolean;
    enums: readonly string[];
    indexes: readonly string[];
    columns: ReadonlySet<string>;
    statements: readonly AssessedStatement[];
  },
): boolean {
  if (effect.on === 'column' && known.columns.has(effect.name)) return false;
  if (effect.on === 'table' || effect.on === 'column') return !known.goes(effect.target);
  if (effect.on === 'type') return !known.enums.includes(effect.target);
  if (known.indexes.includes(effect.target)) return false;
  // The index of a primary key has no statement of its own; its name begins with that of its table.
  const index = known.statements.find((each) => each.effect.kind === 'index' && each.effect.name === effect.target)?.effect;
  const table = index?.kind === 'index' ? index.table : effect.target.replace(/_pkey$/, '');
  return !known.goes(table);
}

/** As the effect of a comment on it is named. */
function columnName({ table, name }: { table: string; name: string }): string {
  return `${table}.${name}`;
}

function stepMaker(around: Surroundings) {
  const step = (part: Omit<Step, 'tables' | 'estimate'>, tables: readonly string[], estimate: Step['estimate']): Step => ({
    ...part,
    tables: [...new Set(tables)].flatMap((table) => around.traffic.get(table) ?? []),
    estimate,
  });
  const brief = { milliseconds: cost.briefMilliseconds, writeWaitMilliseconds: cost.briefMilliseconds };
  return {
    script(migration: string, { effect }: AssessedStatement, sql: string): Step {
      // A script that cannot be asked whether it ran counts as not run from here on, in the same transaction.
      const forget = `UPDATE onechart.migration_steps s SET "undoneAt" = now() FROM onechart.migration_runs r WHERE r.id = s."runId" AND r."schemaName" = ${literal(around.schema)} AND s.migration = ${literal(migration)} AND s.step = ${literal(effect.name)} AND s."undoneAt" IS NULL`;
      return step(
        {
          migration,
          key: `undo ${effect.name}`,
          title: `Take back the script of ${migration.replace(/^\d+_/, '')}`,
          kind: 'script',
          statements: [sql, forget],
          lock: undefined,
        },
        [],
        { milliseconds: cost.briefMilliseconds * 2, writeWaitMilliseconds: 0 },
      );
    },
    constraint(migration: string, effect: Effect & { kind: 'foreign-key' | 'check' }, ofPartition = false): Step {
      const what =
        effect.kind === 'foreign-key' ? `foreign key ${effect.name}, ${effect.table} to ${effect.references}` : `check ${effect.name} on ${effect.table}`;
      return step(
        {
          migration,
          key: `drop ${effect.name}${ofPartition ? ` on ${effect.table}` : ''}`,
          title: `Drop ${what}`,
          kind: 'drop',
          statements: [`ALTER TABLE ${quoteRelation(effect.table)} DROP CONSTRAINT ${quote(effect.name)}`],
          lock: 'ACCESS EXCLUSIVE',
        },
        effect.kind === 'foreign-key' ? [effect.table, effect.references] : [effect.table],
        brief,
      );
    },
    index(migration: string, effect: Effect & { kind: 'index' }, concurrently = !around.partitions.has(effect.table)): Step {
      return step(
        {
          migration,
          key: `drop ${effect.name}`,
          title: `Drop index ${effect.name}${concurrently ? ' beside running writes' : ''}`,
          kind: concurrently ? 'drop-index' : 'drop',
          statements: [`DROP INDEX ${concurrently ? 'CONCURRENTLY ' : ''}${quoteRelation(effect.name)}`],
          lock: concurrently ? 'SHARE UPDATE EXCLUSIVE' : 'ACCESS EXCLUSIVE',
        },
        [effect.table],
        concurrently ? { milliseconds: cost.indexMilliseconds, writeWaitMilliseconds: 0 } : brief,
      );
    },
    /** Its values are looked for under the lock, in the same transaction. */
    columns(migration: string, { table, columns }: ColumnsOf): Step {
      const milliseconds = cost.briefMilliseconds + ((around.traffic.get(table)?.rows ?? 0) * cost.valueRowMicroseconds) / 1000;
      return step(
        {
          migration,
          key: `drop columns ${table}`,
          title: `Drop ${counted(columns.length, 'column')} of ${table}`,
          kind: 'drop',
          statements: [`ALTER TABLE ${quoteRelation(table)} ${columns.map((each) => `DROP COLUMN ${quote(each)}`).join(', ')}`],
          lock: 'ACCESS EXCLUSIVE',
        },
        [table],
        { milliseconds, writeWaitMilliseconds: milliseconds },
      );
    },
    comments(migration: string, comments: readonly AssessedStatement[]): Step {
      const statements = comments.map(({ text }) => text.replace(/\sIS\s+(?:E|U&)?'(?:[^']|'')*'\s*$/i, ' IS NULL'));
      return step(
        { migration, key: 'remove comments', title: `Remove ${comments.length} descriptions`, kind: 'drop', statements, lock: 'SHARE UPDATE EXCLUSIVE' },
        [],
        { milliseconds: cost.briefMilliseconds + comments.length * 0.05, writeWaitMilliseconds: 0 },
      );
    },
    last(migrations: readonly AssessedMigration[], { tables, enums }: { tables: readonly string[]; enums: readonly string[] }): Step {
      const names = migrations.map(({ file }) => file.name);
      const list = names.map(literal).join(', ');
      const rows = tables.reduce((sum, table) => sum + (around.rows.get(table) ?? 0), 0);
      const statements = [
        ...(tables.length > 0 ? [`DROP TABLE ${tables.map((table) => quoteRelation(table)).join(', ')}`] : []),
        ...(enums.length > 0 ? [`DROP TYPE ${enums.map((name) => quoteRelation(name)).join(', ')}`] : []),
        // One row per attempt; one that is finished and rolled back is applied again by Prisma and by us.
        ...(around.hasHistory ? [`UPDATE _prisma_migrations SET rolled_back_at = now() WHERE migration_name IN (${list}) AND rolled_back_at IS NULL`] : []),
        `DELETE FROM onechart.migration_files WHERE "schemaName" = ${literal(around.schema)} AND name IN (${list})`,
        `UPDATE onechart.migration_steps s SET "undoneAt" = now() FROM onechart.migration_runs r WHERE r.id = s."runId" AND r."schemaName" = ${literal(around.schema)} AND r.command <> 'rollback' AND s.migration IN (${list}${tables.length > 0 ? ", 'import'" : ''}) AND s."undoneAt" IS NULL`,
      ];
      const parts = [counted(tables.length, 'table'), counted(enums.length, 'enum')].filter((part) => part !== undefined);
      const drop = parts.length === 0 ? '' : `Drop ${parts.join(' and ')}, `;
      const exported = around.exporting && rows > 0 ? `Write ${rows.toLocaleString('en-US')} rows to files, ` : '';
      const title = `${exported}${exported ? drop.toLowerCase() : drop}${exported || drop ? 'mark' : 'Mark'} ${counted(names.length, 'migration')} rolled back, in one transaction`;
      const milliseconds =
        cost.briefMilliseconds +
        (tables.length + enums.length) * cost.objectMilliseconds * 3 +
        (around.exporting ? (rows * cost.exportRowMicroseconds) / 1000 : 0);
      return step(
        { migration: names.at(-1) as string, key: 'remove', title, kind: 'drop', statements, lock: tables.length > 0 ? 'ACCESS EXCLUSIVE' : undefined },
        tables,
        { milliseconds, writeWaitMilliseconds: tables.length > 0 ? milliseconds : 0 },
      );
    },
  };
}

function counted(number: number, one: string): string | undefined {
  return number === 0 ? undefined : `${number} ${one}${number === 1 ? '' : 's'}`;
}

function literal(text: string): string {
  return pg.escapeLiteral(text);
}
