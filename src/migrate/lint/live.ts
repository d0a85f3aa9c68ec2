import type pg from 'pg';
import type { DatabaseAddress } from '../../base/config.ts';
import { historyState, readHistory } from '../history.ts';
import { withConnection } from '../preflight.ts';
import { rows } from '../sql.ts';
import { readTraffic, type TableTraffic } from '../traffic.ts';
import { type Known, learn, nothingKnown } from './known.ts';
import { type LintReport, lintScripts } from './lint.ts';
import { locksOf } from './locks.ts';
import { loadParser, readScript, type Script } from './script.ts';

/** What a database says of the tables that migrations touch. */
export interface LiveFacts {
  readonly traffic: ReadonlyMap<string, TableTraffic>;
  /** Migrations that its history calls applied. */
  readonly applied: ReadonlySet<string>;
  /** Columns, indexes and keys of the tables that the files touch but do not make. */
  readonly known: Known;
}

/** Asks a database about the tables of the files, and for its history; reads catalogue and statistics, no rows. */
export async function readLiveFacts(address: DatabaseAddress, scripts: readonly Script[]): Promise<LiveFacts> {
  return withConnection({ address }, (client) => factsOf(client, address.schema, scripts));
}

async function factsOf(client: pg.ClientBase, schema: string, scripts: readonly Script[]): Promise<LiveFacts> {
  const { touched, made } = tablesOf(scripts);
  const traffic = await readTraffic(client, schema, [...touched]);
  const history = (await readHistory(client, schema)) ?? [];
  const applied = new Set(scripts.map(({ name }) => name).filter((name) => historyState(history, name) === 'applied'));
  const known = await readKnown(
    client,
    schema,
    [...touched].filter((table) => !made.has(table)),
  );
  return { traffic, applied, known };
}

/** What lint says of the migrations that a plan is for, weighed by the tables as they are. */
export async function lintPending(
  client: pg.ClientBase,
  schema: string,
  { files, pending }: { files: readonly { readonly name: string; readonly sql: string }[]; pending: ReadonlySet<string> },
): Promise<LintReport> {
  await loadParser();
  const scripts = files.map(({ name, sql }) => readScript({ file: `${name}/migration.sql`, name, sql }));
  const { traffic, known } = await factsOf(client, schema, scripts);
  return lintScripts(scripts, { only: pending, traffic, known });
}

function tablesOf(scripts: readonly Script[]): { touched: Set<string>; made: Set<string> } {
  const known = nothingKnown();
  const touched = new Set<string>();
  const made = new Set<string>();
  const bare = (table: string) => table.split('.').at(-1) as string;
  for (const [index, { statements }] of scripts.entries())
    for (const { kind, node } of statements) {
      for (const { table } of locksOf(kind, node, { known })) touched.add(bare(table));
      learn(known, kind, node, index);
      for (const { name, madeBy } of known.tables.values()) if (madeBy !== undefined) made.add(bare(name));
    }
  return { touched, made };
}

interface LiveTable {
  readonly name: string;
  readonly partitioned: boolean;
  readonly columns: readonly { name: string; type: string; written: string; array: boolean }[];
  readonly indexes: readonly { name: string; columns: (string | null)[]; partial: boolean }[];
  readonly keys: readonly { name: string; columns: string[]; references: string; valid: boolean }[];
}

async function readKnown(client: pg.ClientBase, schema: string, tables: readonly string[]): Promise<Known> {
  const known = nothingKnown();
  const found = await rows<LiveTable>(
    client,
    `SELECT c.relname AS name, c.relkind = 'p' AS partitioned,
       (SELECT coalesce(json_agg(json_build_object('name', a.attname, 'type', coalesce(e.typname, t.typname), 'written', format_type(a.atttypid, a.atttypmod), 'array', e.oid IS NOT NULL)), '[]')
        FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
       (SELECT coalesce(json_agg(json_build_object('name', i.relname, 'partial', x.indpred IS NOT NULL, 'columns',
          (SELECT json_agg(a.attname ORDER BY k.place) FROM unnest(x.indkey::int2[]) WITH ORDINALITY AS k (number, place)
           LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number AND k.number > 0))), '[]')
        FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = c.oid AND x.indisvalid) AS indexes,
       (SELECT coalesce(json_agg(json_build_object('name', k.conname, 'valid', k.convalidated, 'references', f.relname, 'columns',
          (SELECT json_agg(a.attname) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY (k.conkey)))), '[]')
        FROM pg_constraint k JOIN pg_class f ON f.oid = k.confrelid WHERE k.conrelid = c.oid AND k.contype = 'f') AS keys
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND c.relname = ANY ($2)`,
    [schema, tables],
  );
  for (const { name, partitioned, columns, indexes, keys } of found) {
    known.tables.set(name, {
      name,
      madeBy: undefined,
      partitioned,
      kind: 'table',
      columns: new Map(
        columns.map((each) => [
          each.name,
          { type: each.type, modifiers: (/\(([\d,]+)\)/.exec(each.written)?.[1] ?? '').split(',').filter(Boolean).map(Number), array: each.array },
        ]),
      ),
      constraints: new Map(keys.map((each) => [each.name, { kind: 'foreign-key', columns: each.columns, references: each.references, valid: each.valid }])),
    });
    for (const each of indexes)
      known.indexes.set(each.name, { table: name, columns: each.columns.map((column) => column ?? undefined), partial: each.partial });
    for (const each of [{ name }, ...columns, ...indexes, ...keys]) known.names.add(each.name);
  }
  return known;
}
