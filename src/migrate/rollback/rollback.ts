import type pg from 'pg';
import { AppError } from '../../base/errors.ts';
import { newRandomId } from '../../base/ids.ts';
import { packageVersion } from '../../base/version.ts';
import { type AssessedMigration, type Assessment, assess } from '../assess.ts';
import { checkServer, type Finding, hostFindings, throwBlocks } from '../check.ts';
import { checksumMatches } from '../history.ts';
import { readPartitions } from '../partitions.ts';
import { recordedFiles } from '../journal.ts';
import { hostOptions, type MigrateOptions, withConnection } from '../preflight.ts';
import { type DoneStep, type Run, type RunOptions, withRun } from '../run.ts';
import { touchedTables } from '../shadow.ts';
import { loadMigrations } from '../source.ts';
import { quoteRelation } from '../relation.ts';
import { quote, row, rows } from '../sql.ts';
import type { Step } from '../step.ts';
import { readTraffic } from '../traffic.ts';
import { type ColumnsOf, countValues, valueFindings } from './column-values.ts';
import { type DependentsOf, findHostDependents, ownColumns } from './dependents.ts';
import { wasCutOff } from './cut-off.ts';
import { checkExportFolder } from './export-folder.ts';
import { exportRows } from './export-rows.ts';
import type { ExportManifest } from './manifest.ts';
import { leftTraces, selectMigrations } from './select.ts';
import { buildUndoPlan, type UndoPlan } from './undo-plan.ts';

/** What is to be taken back, and what becomes of the rows. */
export interface RollbackSelection {
  /** Whole name of a migration, or its part after the timestamp; all of the module's without it. */
  readonly name?: string | undefined;
  /** Take back the migrations after the named one too. */
  readonly withLater?: boolean | undefined;
  /** Folder that the rows of the dropped tables are written to; it must be empty or not there. */
  readonly exportTo?: string | undefined;
  readonly gzip?: boolean | undefined;
  /** The rows of the dropped tables are given up, and so are the values of columns dropped from tables that stay. */
  readonly discardData?: boolean | undefined;
}

export interface RollbackPlanOptions extends MigrateOptions, RollbackSelection {}
export interface RollbackOptions extends RunOptions, RollbackSelection {}

export interface RollbackPlan {
  /** In the order in which they are taken back; empty when nothing is left to take back. */
  readonly migrations: readonly string[];
  readonly steps: readonly Step[];
  /** Tables that are dropped, with their rows counted. */
  readonly tables: readonly { readonly table: string; readonly rows: number }[];
  /** Columns dropped from tables that stay, with the values counted that are lost by it; NULL and the column's default count as none. */
  readonly columns: readonly { readonly table: string; readonly column: string; readonly values: number }[];
  /** Columns of the host that keep ids of patients who are gone then. */
  readonly idsLeft: readonly { readonly table: string; readonly column: string; readonly rows: number }[];
  /** What stays although a migration did it, in sentences. */
  readonly stays: readonly string[];
  /** What stands in the way; a rollback throws the gravest. */
  readonly findings: readonly Finding[];
}

export interface RollbackResult {
  readonly plan: RollbackPlan;
  readonly steps: readonly DoneStep[];
  /** What was written to files, undefined when nothing was. */
  readonly exported: ExportManifest | undefined;
}

/**
 * What `rollbackMigration` would do: steps with locks and sizes, rows that go, ids that stay behind in the host's tables,
 * and what stands in the way. Changes nothing; only a name that fits no migration throws.
 *
 * @example
 * const plan = await planRollback({ address: parseDatabaseUrl('postgresql://ehr_user@127.0.0.1/ehr') });
 * for (const { table, rows } of plan.tables) console.log(`${table} holds ${rows} rows`);
 */
export async function planRollback(options: RollbackPlanOptions): Promise<RollbackPlan> {
  return withConnection(options, async (client) => (await lookBack(client, options)).plan);
}

/**
 * Takes the module's migrations out of the database again, online: everything that hangs on a table in use is taken off
 * alone under a short lock timeout, the module's own tables go together at the end. Nothing of the host's is dropped or
 * changed. Safe to be cut off anywhere; the same call goes on from there.
 *
 * Rows of the module are exported in the transaction that drops them, under a lock that lets nobody in: what is in the files
 * is what was dropped, to the last row.
 *
 * Errors: `ROWS_PRESENT`, `COLUMN_VALUES_PRESENT` and `HOST_OBJECTS_DEPEND` (unsafe), `CATALOGUE_CONFLICT` and `MIGRATION_EDITED` (drift),
 * `MIGRATION_UNKNOWN`, `LATER_MIGRATIONS_PRESENT`, `EXPORT_FOLDER_OCCUPIED`, `EXPORT_FOLDER_UNWRITABLE`, `EXPORT_DISK_SHORT`,
 * and those of every run: `LOCK_NOT_OBTAINED`, `MIGRATION_LOCK_HELD`, `MIGRATION_INTERRUPTED`.
 *
 * @example
 * const { exported } = await rollbackMigration({ address: parseDatabaseUrl('postgresql://ehr_user@127.0.0.1/ehr'), exportTo: '/srv/onechart-rows' });
 * console.log(exported?.tables.map(({ table, rows }) => `${table}: ${rows}`));
 */
export async function rollbackMigration(options: RollbackOptions): Promise<RollbackResult> {
  return withRun({ ...options, command: 'rollback' }, (run) => rollbackWith(run, options));
}

async function rollbackWith(run: Run, options: RollbackOptions): Promise<RollbackResult> {
  const { client } = run;
  const { plan, undo, of } = await lookBack(client, options);
  if (plan.migrations.length === 0 || !undo.last) return { plan, steps: [], exported: undefined };
  throwBlocks(plan.findings, 'onechart migrate rollback --dry-run');
  await run.planned(plan.steps);
  await run.begin();
  const id = newRandomId();
  // Said before anything is written: a folder with this id and no end of the run is what an attempt left that was cut off.
  await run.note({
    rollback: { migrations: plan.migrations, tables: plan.tables, columns: plan.columns, idsLeft: plan.idsLeft, stays: plan.stays },
    ...(options.exportTo ? { export: { id, folder: options.exportTo } } : {}),
  });
  for (const step of undo.steps) {
    const dropped = undo.droppedColumns.find((each) => each.step === step);
    await run.step(step, dropped && (() => withoutValues(run, dropped, { options, of })));
  }
  await run.checkpoint('nothing in use refers to the tables any more');
  let exported: ExportManifest | undefined;
  await run.step(undo.last, async () => {
    exported = await emptyOrExported(run, { options, of, id, migrations: plan.migrations });
  });
  await run.checkpoint('rolled back');
  await proveGone(run, of.own, plan);
  return { plan, steps: run.done, exported };
}

interface LookedBack {
  readonly plan: RollbackPlan;
  readonly undo: UndoPlan;
  readonly of: DependentsOf;
  readonly selected: readonly AssessedMigration[];
}

async function lookBack(client: pg.Client, options: RollbackPlanOptions): Promise<LookedBack> {
  const { schema } = options.address;
  throwBlocks(await checkServer(client, schema));
  const assessment = await assessModule(client, options);
  const selected = selectMigrations(assessment.migrations, { name: options.name, withLater: options.withLater === true });
  const touched = touchedTables(selected.flatMap(({ statements }) => statements));
  const around = {
    traffic: await readTraffic(client, schema, touched),
    partitions: await readPartitions(client, schema, touched),
    hasHistory: assessment.history !== undefined,
    schema,
    exporting: options.exportTo !== undefined,
  };
  const { tables: names } = buildUndoPlan(selected, { ...around, rows: new Map() });
  const counts = await countRows(client, schema, names);
  const undo = buildUndoPlan(selected, { ...around, rows: counts });
  const tables = names.map((table) => ({ table, rows: counts.get(table) ?? 0 }));
  const columns = await countValues(client, schema, undo.droppedColumns);
  const of: DependentsOf = {
    ...undo,
    own: assessment.migrations,
    columns: names.length > 0 ? await ownColumns(client, schema, assessment.migrations) : new Map(),
  };
  const findings =
    selected.length === 0
      ? []
      : [
          ...conflicts(selected, await recordedFiles(client, schema)),
          ...(await checkOwners(client, schema, standingOn(selected))),
          ...dependentFindings(await findHostDependents(client, schema, of)),
          ...rowFindings(tables, options),
          ...valueFindings(columns, options),
        ];
  const plan: RollbackPlan = {
    migrations: selected.map(({ file }) => file.name),
    steps: [...undo.steps, ...(undo.last ? [undo.last] : [])],
    tables,
    columns,
    idsLeft: await idsLeft(client, schema, { selected, tables: names }),
    stays: [...undo.stays, ...(selected.length > 0 ? await whatStays(client, schema, names) : [])],
    findings,
  };
  if (selected.length > 0 && options.exportTo !== undefined) await checkFolder(client, { schema, names, folder: options.exportTo });
  return { plan, undo, of, selected };
}

/** The module's migrations as they were applied: what the journal recorded counts before a file that was edited since. */
async function assessModule(client: pg.Client, options: RollbackPlanOptions): Promise<Assessment> {
  const { schema } = options.address;
  const source = await loadMigrations(client, { ...hostOptions(options), dir: options.dir, onlyModule: true });
  if (source.files.length === 0) throwBlocks(hostFindings(source.findings));
  const assessment = await assess(client, schema, source);
  if (!assessment.migrations.some(({ edited }) => edited)) return assessment;
  const recorded = new Map((await recordedFiles(client, schema)).map((file) => [file.name, file]));
  const asApplied = assessment.migrations.map(({ file, edited, attempt }) => {
    const known = recorded.get(file.name);
    return edited && known && attempt && checksumMatches(known.sql, attempt.checksum) ? { name: known.name, sql: known.sql, checksum: known.checksum } : file;
  });
  return assess(client, schema, { ...source, files: asApplied });
}

function conflicts(selected: readonly AssessedMigration[], recorded: readonly { name: string }[]): Finding[] {
  const edited = selected
    .filter((migration) => migration.edited)
    .map(
      ({ file }): Finding => ({
        level: 'block',
        kind: 'drift',
        code: 'MIGRATION_EDITED',
        message: `The migration "${file.name}" was changed after it had been applied, and ${recorded.some(({ name }) => name === file.name) ? 'what was recorded is another text too' : 'no record of the applied text is there'}: its way back is not known. Restore the file from version control; nothing was changed.`,
        details: { migration: file.name },
      }),
    );
  const others = selected.flatMap(({ file, statements }) =>
    statements.flatMap(({ effect, object }): Finding[] =>
      object.state === 'conflict'
        ? [
            {
              level: 'block',
              kind: 'drift',
              code: 'CATALOGUE_CONFLICT',
              message: `${effect.kind} "${effect.name}" is there with another definition, so it is not the module's to drop. Expected ${object.expected}; found ${object.actual}. Rename or remove it by hand, then roll back again; nothing was changed.`,
              details: { migration: file.name, name: effect.name, expected: object.expected, actual: object.actual },
            },
          ]
        : [],
    ),
  );
  return [...edited, ...others];
}

/** The tables that something stands on. What a key only points at is not among them: it is dropped without owning that table. */
function standingOn(selected: readonly AssessedMigration[]): string[] {
  return touchedTables(
    selected.flatMap(({ statements }) =>
      statements.map((each) => (each.effect.kind === 'foreign-key' ? { ...each, effect: { ...each.effect, references: each.effect.table } } : each)),
    ),
  );
}

/** Only the owner of a table drops it or takes a key off it. */
async function checkOwners(client: pg.ClientBase, schema: string, touched: readonly string[]): Promise<Finding[]> {
  const foreign = await rows<{ name: string; owner: string }>(
    client,
    `SELECT c.relname AS name, pg_get_userbyid(c.relowner) AS owner FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND c.relname = ANY ($2) AND NOT pg_has_role(c.relowner, 'USAGE')
       AND EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid)`,
    [schema, touched],
  );
  return foreign.map(({ name, owner }) => ({
    level: 'block',
    code: 'PRIVILEGE_MISSING',
    message: `Table "${name}" belongs to "${owner}"; only its owner can take a key off it or drop it. Run this as "${owner}", or GRANT ${quote(owner)} to the present user.`,
    details: { table: name },
  }));
}

function dependentFindings(found: readonly { what: string; remedy: string }[]): Finding[] {
  if (found.length === 0) return [];
  return [
    {
      level: 'block',
      code: 'HOST_OBJECTS_DEPEND',
      message: `The host has built on what would be dropped: ${found.map(({ what, remedy }) => `${what} (${remedy})`).join('; ')}. Nothing of the host's is ever dropped here, and nothing was changed: take these away first, then roll back again.`,
      details: { objects: found.map(({ what }) => what) },
    },
  ];
}

function rowFindings(tables: RollbackPlan['tables'], options: RollbackSelection): Finding[] {
  const filled = tables.filter((each) => each.rows > 0);
  if (filled.length === 0 || options.exportTo !== undefined || options.discardData) return [];
  return [rowsPresent(filled)];
}

function rowsPresent(filled: readonly { readonly table: string; readonly rows: number }[]): Finding {
  const listed = filled.map(({ table, rows: number }) => `${table} ${number.toLocaleString('en-US')}`).join(', ');
  return {
    level: 'block',
    code: 'ROWS_PRESENT',
    message: `The tables to be dropped hold rows: ${listed}. Write them to files with --export <folder>, from where onechart migrate import brings them back, or give them up with --discard-data.`,
    details: { tables: filled },
  };
}

async function countRows(client: pg.ClientBase, schema: string, tables: readonly string[]): Promise<Map<string, number>> {
  if (tables.length === 0) return new Map();
  // In one round trip.
  const counts = tables.map((table, at) => `SELECT ${at} AS at, count(*)::text AS rows FROM ${quoteRelation(table, schema)}`);
  const found = await rows<{ at: number; rows: string }>(client, counts.join(' UNION ALL '));
  return new Map(found.map((each) => [tables[each.at] as string, Number(each.rows)]));
}

/** Ids in the host's link columns: they stay as they are, and name nobody afterwards. */
async function idsLeft(
  client: pg.ClientBase,
  schema: string,
  { selected, tables }: { selected: readonly AssessedMigration[]; tables: readonly string[] },
): Promise<RollbackPlan['idsLeft']> {
  if (!tables.includes('patients')) return [];
  const links = selected.flatMap(({ statements }) =>
    statements.flatMap(({ effect }) =>
      effect.kind === 'foreign-key' && effect.references === 'patients' && !tables.includes(effect.table) && effect.columns[0] !== undefined
        ? [{ table: effect.table, column: effect.columns[0] }]
        : [],
    ),
  );
  const left: { table: string; column: string; rows: number }[] = [];
  for (const { table, column } of links) {
    const there = await rows(client, 'SELECT FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = $2 AND NOT attisdropped', [
      quoteRelation(table, schema),
      column,
    ]);
    if (there.length === 0) continue;
    const { rows: number } = await row<{ rows: string }>(client, `SELECT count(${quote(column)})::text AS rows FROM ${quoteRelation(table, schema)}`);
    left.push({ table, column, rows: Number(number) });
  }
  return left;
}

/** What a rollback leaves on purpose. */
async function whatStays(client: pg.ClientBase, schema: string, tables: readonly string[]): Promise<string[]> {
  const roles = await rows<{ name: string }>(
    client,
    `SELECT rolname AS name FROM pg_roles WHERE rolname IN ('onechart_app', 'onechart_auditor', 'onechart_reader') ORDER BY 1`,
  );
  const grants = await rows<{ role: string; tables: string }>(
    client,
    `SELECT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee)::text END AS role, string_agg(DISTINCT c.relname::text, ', ') AS tables
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN LATERAL aclexplode(c.relacl) a
     WHERE n.nspname = $1 AND c.relname = ANY ($2) AND c.relkind IN ('r', 'p') AND a.grantee <> c.relowner AND NOT (a.grantee <> 0 AND pg_get_userbyid(a.grantee) LIKE 'onechart\\_%')
     GROUP BY 1 ORDER BY 1`,
    [schema, tables],
  );
  return [
    ...(roles.length === 0
      ? []
      : [
          `The roles ${roles.map(({ name }) => name).join(', ')} stay: they belong to the whole server, and other databases may use them. In this database they lose what the module had granted.`,
        ]),
    'The journal in the schema onechart and the rows in _prisma_migrations stay: they say what was done and that it was rolled back.',
    ...grants.map(
      ({ role, tables: on }) => `What the host had granted to ${role} on ${on} goes with the tables; after a new apply it has to be granted again.`,
    ),
  ];
}

async function checkFolder(client: pg.ClientBase, { schema, names, folder }: { schema: string; names: readonly string[]; folder: string }): Promise<void> {
  const { bytes } = await row<{ bytes: string }>(
    client,
    `SELECT coalesce(sum(pg_table_size(c.oid)), 0)::text AS bytes FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = ANY ($2) AND c.relkind = 'r'`,
    [schema, names],
  );
  await checkExportFolder(folder, { isCutOff: (id) => wasCutOff(client, id), bytes: Number(bytes) });
}

/** In the transaction that drops: nobody gets in any more; then the rows are in files, or given up, or there are none. */
async function emptyOrExported(
  run: Run,
  { options, of, id, migrations }: { options: RollbackOptions; of: DependentsOf; id: string; migrations: readonly string[] },
): Promise<ExportManifest | undefined> {
  const { client, schema } = run;
  if (of.tables.length === 0) return undefined;
  // The strongest lock at once: a weaker one would have to be raised for the drop, and could wait then, with all the files written.
  await client.query(`LOCK TABLE ${of.tables.map((table) => quoteRelation(table, schema)).join(', ')} IN ACCESS EXCLUSIVE MODE`);
  // The host may have built on the tables since the plan.
  throwBlocks(dependentFindings(await findHostDependents(client, schema, of)));
  if (options.exportTo === undefined) {
    const counts = await countRows(client, schema, of.tables);
    throwBlocks(
      rowFindings(
        of.tables.map((table) => ({ table, rows: counts.get(table) ?? 0 })),
        options,
      ),
    );
    return undefined;
  }
  await run.checkpoint('tables locked');
  await checkExportFolder(options.exportTo, { isCutOff: (each) => wasCutOff(client, each), bytes: 0 });
  const { database, server } = await row<{ database: string; server: string }>(
    client,
    `SELECT current_database() AS database, current_setting('server_version') AS server`,
  );
  const files = of.own.filter(({ file }) => migrations.includes(file.name)).map(({ file }) => ({ name: file.name, checksum: file.checksum }));
  const manifest = await exportRows(client, {
    folder: options.exportTo,
    gzip: options.gzip === true,
    schema,
    // As they were made: those that others refer to come first.
    tables: of.tables.toReversed(),
    about: { id, createdAt: new Date().toISOString(), database, server, module: packageVersion(), migrations: files },
  });
  await run.checkpoint('rows exported');
  await run.note({
    exported: { id, folder: options.exportTo, tables: manifest.tables.map(({ table, rows: number, sha256 }) => ({ table, rows: number, sha256 })) },
  });
  return manifest;
}

/** In the transaction that drops columns of a table that stays: nobody writes to it any more, and nothing would be lost. */
async function withoutValues({ client, schema }: Run, dropped: ColumnsOf, { options, of }: { options: RollbackOptions; of: DependentsOf }): Promise<void> {
  await client.query(`LOCK TABLE ${quoteRelation(dropped.table, schema)} IN ACCESS EXCLUSIVE MODE`);
  // The host may have built on the columns since the plan.
  throwBlocks(dependentFindings(await findHostDependents(client, schema, { ...of, tables: [], enums: [], indexes: [], droppedColumns: [dropped] })));
  if (!options.discardData) throwBlocks(valueFindings(await countValues(client, schema, [dropped]), options));
}

/** The catalogue has the last word. */
async function proveGone({ client, schema }: Run, own: readonly AssessedMigration[], plan: RollbackPlan): Promise<void> {
  const { migrations } = await assess(client, schema, { files: own.map(({ file }) => file), wholeFolder: false });
  const left = migrations.filter((migration) => plan.migrations.includes(migration.file.name) && leftTraces(migration));
  if (left.length > 0)
    throw new AppError(
      'resumable',
      'ROLLBACK_INCOMPLETE',
      `Something of ${left.map(({ file }) => file.name).join(', ')} is there again: somebody applied it meanwhile. Run the same command again.`,
      { migrations: left.map(({ file }) => file.name) },
    );
}
