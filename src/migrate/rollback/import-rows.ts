import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { AppError } from '../../base/errors.ts';
import { openAttempt } from '../apply.ts';
import type { Assessment } from '../assess.ts';
import { throwBlocks } from '../check.ts';
import { ensureHistoryTable } from '../history.ts';
import { completedSteps, recordedFiles } from '../journal.ts';
import { planFor, preflight } from '../preflight.ts';
import { type DoneStep, type Run, type RunOptions, withRun } from '../run.ts';
import { quote, row, rows, sqlstate } from '../sql.ts';
import type { Step } from '../step.ts';
import { readTraffic } from '../traffic.ts';
import { wasCutOff } from './cut-off.ts';
import { columnsOf, plainValues } from './export-rows.ts';
import { damaged, type ExportedTable, type ExportManifest, readExport } from './manifest.ts';

export interface ImportOptions extends RunOptions {
  /** The folder that `rollbackMigration` wrote. */
  readonly from: string;
}

export interface ImportResult {
  /** `already`: this export was imported before, and nothing was changed. */
  readonly outcome: 'imported' | 'already';
  readonly manifest: ExportManifest;
  readonly steps: readonly DoneStep[];
  /** Whether the module is not completely applied: `applyMigration` comes next. */
  readonly applyNext: boolean;
}

/**
 * Brings exported rows back, all of them in one transaction or none.
 *
 * The tables must be empty. Where they are missing they are made first, as `applyMigration` would: while the host's link
 * columns still name the patients, the rows have to be back before the foreign keys can be.
 * Every file is proven unchanged before the first row, and again while its rows go in. Counters and leased blocks of record
 * numbers come back with the rest, so that no number is issued twice.
 *
 * Errors: `EXPORT_MISSING`, `EXPORT_DAMAGED`, `EXPORT_UNKNOWN_FORMAT`, `EXPORT_SUPERSEDED` (unsafe), `IMPORT_TABLES_NOT_EMPTY` (unsafe), `IMPORT_INCOMPATIBLE`
 * (unsupported), `IMPORT_ROWS_REFUSED` (conflict), and those of every run.
 *
 * @example
 * const { outcome, applyNext } = await importRows({ address: parseDatabaseUrl('postgresql://ehr_user@127.0.0.1/ehr'), from: '/srv/onechart-rows' });
 * console.log(outcome, applyNext);
 */
export async function importRows(options: ImportOptions): Promise<ImportResult> {
  const manifest = await readExport(options.from);
  return withRun({ ...options, command: 'import' }, (run) => importWith(run, options, manifest));
}

async function importWith(run: Run, options: ImportOptions, manifest: ExportManifest): Promise<ImportResult> {
  const { client, schema } = run;
  const { findings, assessment } = await preflight(client, { ...options, onlyModule: true });
  throwBlocks(findings);
  const known = assessment as Assessment;
  const applyNext = known.migrations.some(({ complete, history }) => !complete || history !== 'applied');
  const key = `import ${manifest.id}`;
  if ((await completedSteps(client, schema)).has(`import/${key}`)) return { outcome: 'already', manifest, steps: [], applyNext };

  if (await wasCutOff(client, manifest.id))
    throw new AppError(
      'unsafe',
      'EXPORT_SUPERSEDED',
      `The rollback that wrote ${options.from} was cut off before it dropped anything: its rows stayed in the database and may have changed since. Import the folder that the rollback after it wrote; nothing was changed.`,
      { folder: options.from, export: manifest.id },
    );

  const { files, unknown } = inOrder(known, manifest);
  if (unknown.length > 0)
    throw incompatible(
      `It holds rows of ${unknown.join(', ')}, and the module has no such table. Use the version of OneChart that wrote it (${manifest.module}).`,
      options.from,
    );
  const structure = (await planFor(client, schema, known)).steps.filter(({ kind, key }) => kind === 'structure' || key.startsWith('column '));
  // Tables that are not there, and those that an import or apply cut off has left without the columns of later migrations.
  const unfinished = new Set(
    known.migrations.flatMap(({ statements }) =>
      statements.flatMap(({ effect, object }) =>
        object.state !== 'missing' ? [] : effect.kind === 'table' ? [effect.name] : effect.kind === 'column' ? [effect.table] : [],
      ),
    ),
  );
  const there = files.filter(({ table }) => !unfinished.has(table));
  await refuseRows(client, schema, await existing(client, schema, files));
  await refuseIncompatible(client, schema, { files: there, folder: options.from });

  const step = await importStep(client, schema, { key, files, manifest });
  const before = files.some(({ table }) => unfinished.has(table)) ? structure : [];
  await run.planned([...before, step]);
  await run.begin();
  await run.note({ import: { id: manifest.id, folder: options.from, tables: manifest.tables.map(({ table, rows }) => ({ table, rows })) } });
  if (before.length > 0) await makeTables(run, known, before);
  await run.step(step, () => copyIn(client, schema, { files, folder: options.from }));
  return { outcome: 'imported', manifest, steps: run.done, applyNext };
}

/** The tables as `apply` would make them; the history says that their migrations have started, and `apply` goes on from there. */
async function makeTables(run: Run, known: Assessment, structure: readonly Step[]): Promise<void> {
  const { client, schema } = run;
  await ensureHistoryTable(client);
  const attempts = new Map((await recordedFiles(client, schema)).map(({ name, attemptId }) => [name, attemptId]));
  for (const { file, history } of known.migrations) {
    const steps = structure.filter(({ migration }) => migration === file.name);
    if (steps.length === 0) continue;
    if (history !== 'applied') await openAttempt(client, schema, { file, attemptId: attempts.get(file.name) ?? undefined });
    for (const step of steps) await run.step(step);
  }
}

async function importStep(
  client: pg.ClientBase,
  schema: string,
  { key, files, manifest }: { key: string; files: readonly ExportedTable[]; manifest: ExportManifest },
): Promise<Step> {
  const rows = files.reduce((sum, each) => sum + each.rows, 0);
  const traffic = await readTraffic(
    client,
    schema,
    files.map(({ table }) => table),
  );
  // 1 million patients and 0.1 million events, with the upkeep of all their indexes: 192 s (embedded PostgreSQL 18, load 20 on 2 cores).
  const milliseconds = 10 + rows * 0.17;
  return {
    migration: 'import',
    key,
    title: `Bring back ${rows.toLocaleString('en-US')} rows of ${files.length} tables, exported ${manifest.createdAt.slice(0, 16).replace('T', ' ')} UTC`,
    kind: 'rows',
    statements: [],
    lock: 'SHARE ROW EXCLUSIVE',
    tables: [...traffic.values()],
    estimate: { milliseconds, writeWaitMilliseconds: milliseconds },
  };
}

/** The files in the order in which the keys allow their rows to go in. */
function inOrder(known: Assessment, manifest: ExportManifest): { files: ExportedTable[]; unknown: string[] } {
  const effects = known.migrations.flatMap(({ statements }) => statements.map(({ effect }) => effect));
  const own = new Set(effects.flatMap((effect) => (effect.kind === 'table' ? [effect.name] : [])));
  const needs = (table: string) =>
    effects.flatMap((effect) => (effect.kind === 'foreign-key' && effect.table === table && effect.references !== table ? [effect.references] : []));
  const byTable = new Map(manifest.tables.map((each) => [each.table, each]));
  const files: ExportedTable[] = [];
  const seen = new Set<string>();
  const visit = (table: string) => {
    if (seen.has(table)) return;
    seen.add(table);
    for (const other of needs(table)) visit(other);
    const file = byTable.get(table);
    if (file && own.has(table)) files.push(file);
  };
  for (const { table } of manifest.tables) visit(table);
  return { files, unknown: manifest.tables.filter(({ table }) => !own.has(table)).map(({ table }) => table) };
}

async function existing(client: pg.ClientBase, schema: string, files: readonly ExportedTable[]): Promise<ExportedTable[]> {
  const found = await rows<{ name: string }>(
    client,
    `SELECT c.relname AS name FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind IN ('r', 'p')`,
    [schema],
  );
  const names = new Set(found.map(({ name }) => name));
  return files.filter(({ table }) => names.has(table));
}

async function refuseRows(client: pg.ClientBase, schema: string, files: readonly ExportedTable[]): Promise<void> {
  const filled: string[] = [];
  for (const { table } of files) {
    const { some } = await row<{ some: boolean }>(client, `SELECT EXISTS (SELECT FROM ${quote(schema)}.${quote(table)}) AS some`);
    if (some) filled.push(table);
  }
  if (filled.length > 0)
    throw new AppError(
      'unsafe',
      'IMPORT_TABLES_NOT_EMPTY',
      `${filled.join(', ')} ${filled.length === 1 ? 'holds' : 'hold'} rows already, and rows of two pasts are not mixed. Roll the module back with --export into another folder first, then import; nothing was changed.`,
      { tables: filled },
    );
}

/** Columns that came later take their defaults; a column that is gone would lose what is in the file. */
async function refuseIncompatible(
  client: pg.ClientBase,
  schema: string,
  { files, folder }: { files: readonly ExportedTable[]; folder: string },
): Promise<void> {
  const wrong: string[] = [];
  for (const { table, columns, rows } of files) {
    const present = new Map((await columnsOf(client, schema, table)).map((column) => [column.name, column]));
    for (const { name, type } of columns) {
      const column = present.get(name);
      if (!column) wrong.push(`${table}.${name} is gone`);
      else if (column.type !== type) wrong.push(`${table}.${name} is ${column.type} and was ${type}`);
      present.delete(name);
    }
    if (rows > 0) wrong.push(...[...present.values()].filter(({ needed }) => needed).map(({ name }) => `${table}.${name} is new and has no default`));
  }
  if (wrong.length > 0) throw incompatible(`The tables are not as they were: ${wrong.join('; ')}. Nothing was imported.`, folder);
}

function incompatible(why: string, folder: string): AppError {
  return new AppError('unsupported', 'IMPORT_INCOMPATIBLE', `The export in ${folder} does not fit this database. ${why}`, { folder });
}

/** In one transaction, nobody else writing meanwhile; the keys and checks judge every row as they always do. */
async function copyIn(client: pg.Client, schema: string, { files, folder }: { files: readonly ExportedTable[]; folder: string }): Promise<void> {
  if (files.length === 0) return;
  await client.query(`LOCK TABLE ${files.map(({ table }) => `${quote(schema)}.${quote(table)}`).join(', ')} IN SHARE ROW EXCLUSIVE MODE`);
  await refuseRows(client, schema, files);
  await refuseIncompatible(client, schema, { files, folder });
  await client.query(plainValues);
  for (const file of files) {
    await ensureDefaultPartition(client, schema, file.table);
    await copyTable(client, schema, { file, folder }).catch((error: unknown) => {
      throw refused(error, file.table);
    });
    const { rows: counted } = await row<{ rows: string }>(client, `SELECT count(*)::text AS rows FROM ${quote(schema)}.${quote(file.table)}`);
    if (Number(counted) !== file.rows) throw damaged(folder, `${file.file} gave ${counted} rows instead of ${file.rows}`);
    await advanceSequences(client, schema, file.table);
  }
}

/** The partitions of a table that was made a moment ago come with a script, which runs after this; the rows need a place now. */
async function ensureDefaultPartition(client: pg.Client, schema: string, table: string): Promise<void> {
  const { lacking } = await row<{ lacking: boolean }>(
    client,
    'SELECT EXISTS (SELECT FROM pg_partitioned_table WHERE partrelid = $1::regclass AND partdefid = 0) AS lacking',
    [`${quote(schema)}.${quote(table)}`],
  );
  const parent = `${quote(schema)}.${quote(table)}`;
  if (lacking) await client.query(`CREATE TABLE ${quote(schema)}.${quote(`${table}_default`)} PARTITION OF ${parent} DEFAULT`);
}

/** A number that a row came back with is not given to a new row. */
async function advanceSequences(client: pg.Client, schema: string, table: string): Promise<void> {
  const relation = `${quote(schema)}.${quote(table)}`;
  const numbered = await rows<{ column: string; sequence: string }>(
    client,
    `SELECT a.attname AS column, s.name AS sequence FROM pg_attribute a CROSS JOIN LATERAL pg_get_serial_sequence($1, a.attname) AS s (name)
     WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped AND s.name IS NOT NULL`,
    [relation],
  );
  for (const { column, sequence } of numbered)
    await client.query(`SELECT setval($1::regclass, max(${quote(column)})) FROM ${relation} HAVING max(${quote(column)}) IS NOT NULL`, [sequence]);
}

async function copyTable(client: pg.Client, schema: string, { file, folder }: { file: ExportedTable; folder: string }): Promise<void> {
  const hash = createHash('sha256');
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  const columns = file.columns.map(({ name }) => quote(name)).join(', ');
  const source = createReadStream(join(folder, file.file));
  const target = client.query(copyFrom(`COPY ${quote(schema)}.${quote(file.table)} (${columns}) FROM STDIN WITH (FORMAT csv, HEADER, ENCODING 'UTF8')`));
  await (file.file.endsWith('.gz') ? pipeline(source, meter, createGunzip(), target) : pipeline(source, meter, target));
  if (hash.digest('hex') !== file.sha256) throw damaged(folder, `${file.file} changed while it was read`);
}

/** What the database says about a row, without the row. */
function refused(error: unknown, table: string): unknown {
  if (!sqlstate(error)?.startsWith('23')) return error;
  const { constraint } = error as { constraint?: string };
  return new AppError(
    'conflict',
    'IMPORT_ROWS_REFUSED',
    `A row of ${table} breaks ${constraint ?? 'a constraint'}: what it refers to is no longer there, or another row has its key. Nothing was imported. Put back what it refers to (users that were deleted since, for example), then import again.`,
    { table, constraint, sqlstate: sqlstate(error) },
    { cause: error },
  );
}
