import type pg from 'pg';
import type { DatabaseAddress } from '../../base/config.ts';
import type { Assessment } from '../assess.ts';
import { type Catalogue, readCatalogue } from '../catalogue.ts';
import { throwBlocks } from '../check.ts';
import { type MigrateOptions, preflight, withConnection } from '../preflight.ts';
import { splitRelation } from '../relation.ts';
import { desiredCatalogue, touchedTables } from '../shadow.ts';
import { rows } from '../sql.ts';
import type { Statement } from '../statement.ts';
import { compareCatalogues, compareGrants, comparePrograms, type Difference } from './compare.ts';
import { comparable, knownRoles, readGrants, tablesOf } from './grants.ts';
import { partitionNames, readPrograms, silentKeys } from './programs.ts';
import { withReplay } from './replay.ts';

export type { Difference } from './compare.ts';

export interface DriftOptions extends MigrateOptions {
  /** An empty database in which a whole folder is replayed; without it one is made on the same server and dropped again. */
  readonly shadow?: DatabaseAddress | undefined;
}

export interface Drift {
  /** What the database was compared with: the patient module's migrations, or all of the host's folder. */
  readonly record: 'module' | 'folder';
  /** The migrations that the history calls applied; pending ones are no drift. */
  readonly migrations: readonly string[];
  /** History rows whose file is lost: what they made shows as extra. */
  readonly withoutFile: readonly string[];
  readonly differences: readonly Difference[];
}

/**
 * Compares the catalogue with what the applied migrations make: every object by definition and by validity, which Prisma's own
 * diff does not see, in both directions. Changes nothing in the database.
 *
 * Without a folder, or with `onlyModule`, the patient module's objects are compared. With a folder, all of its migrations are replayed
 * in an empty database and the two are compared whole, functions, triggers, views and policies included.
 *
 * Errors: those of the preflight; `SCRATCH_DATABASE_DENIED`, `SHADOW_DATABASE_NOT_EMPTY`, `MIGRATION_NOT_REPLAYABLE`.
 *
 * @example
 * const { differences } = await findDrift({ address: parseDatabaseUrl('postgresql://ehr_user@127.0.0.1/ehr'), dir: 'prisma' });
 * for (const { state, object, name } of differences) console.log(`${object} ${name}: ${state}`);
 */
export async function findDrift(options: DriftOptions): Promise<Drift> {
  return withConnection(options, async (client) => {
    const { findings, assessment, source } = await preflight(client, options);
    if (!assessment) throwBlocks(findings);
    const known = assessment as Assessment;
    const applied = known.migrations.filter(({ history }) => history === 'applied');
    const facts = { migrations: applied.map(({ file }) => file.name), withoutFile: known.withoutFile };
    if (applied.length === 0) return { record: source?.wholeFolder ? 'folder' : 'module', ...facts, differences: [] };
    if (!source?.wholeFolder) return { record: 'module', ...facts, differences: await moduleDrift(client, options.address.schema, applied) };
    const files = applied.map(({ file }) => file);
    const differences = await withReplay({ address: options.address, live: client, place: options.shadow, files }, (shadow) =>
      wholeDrift(client, shadow, options.address.schema),
    );
    return { record: 'folder', ...facts, differences };
  });
}

/** Two databases, every schema that either has. */
async function wholeDrift(live: pg.ClientBase, shadow: pg.ClientBase, home: string): Promise<Difference[]> {
  const others = [...new Set([...(await hostSchemas(live)), ...(await hostSchemas(shadow))])].filter((schema) => schema !== home);
  const read = async (client: pg.ClientBase) => {
    const partitions = await partitionNames(client, home, others);
    const whole = await readCatalogue(client, home, others);
    return only(whole, (name) => !partitions.has(name) && splitRelation(name, home).name !== '_prisma_migrations');
  };
  return [
    ...compareCatalogues(await read(shadow), await read(live)),
    ...comparePrograms(await readPrograms(shadow, home, others), await readPrograms(live, home, others)),
    ...(await grantDrift(live, shadow, { home, others })),
    ...(await silenced(live, home, others)),
  ];
}

async function grantDrift(live: pg.ClientBase, shadow: pg.ClientBase, { home, others }: { home: string; others: readonly string[] }): Promise<Difference[]> {
  const expected = await readGrants(shadow, home, others);
  const shared = { roles: await knownRoles(shadow), tables: tablesOf(expected) };
  return compareGrants(comparable(expected, shared), comparable(await readGrants(live, home, others), shared));
}

/** Schemas of the server, of our journal, and of the queue of jobs, which makes and changes its tables itself. */
async function hostSchemas(client: pg.ClientBase): Promise<string[]> {
  const found = await rows<{ name: string }>(
    client,
    `SELECT nspname AS name FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'onechart') AND nspname !~ '^onechart_worker(_|$)' ORDER BY 1`,
  );
  return found.map(({ name }) => name);
}

/** The module's tables whole, and of the host's only what the module put there. */
async function moduleDrift(client: pg.ClientBase, home: string, applied: Assessment['migrations']): Promise<Difference[]> {
  const statements = applied.flatMap((each) => each.statements);
  const { catalogue } = await desiredCatalogue(client, home, statements);
  const others = [...new Set(touchedTables(statements).map((table) => splitRelation(table, home).schema))].filter((schema) => schema !== home);
  const own = new Set(statements.flatMap(({ effect }) => (effect.kind === 'table' || effect.kind === 'enum' ? [effect.name] : [])));
  const put = new Set(statements.flatMap(putThere));
  const ours = (name: string, key: string) => own.has(name) || put.has(key);
  const scripts = applied.flatMap(({ file, statements: all }) =>
    all.flatMap(({ effect, object }): Difference[] =>
      effect.kind === 'opaque' && object.state !== 'present' ? [{ state: 'different', object: 'script', name: `${file.name}: ${effect.name}` }] : [],
    ),
  );
  return [
    ...compareCatalogues(only(catalogue, ours), only(await readCatalogue(client, home, others), ours)),
    ...scripts,
    // That a role of the module may too little, the question of its script tells; that everybody may anything, nothing else does.
    ...compareGrants(new Map(), comparable(await readGrants(client, home, others), { roles: new Set(), tables: own })),
    ...(await silenced(client, home, others)).filter(({ name }) => put.has(name) || own.has(name.slice(0, name.indexOf('.')))),
  ];
}

function putThere({ effect }: Statement): string[] {
  if (effect.kind === 'index') return [effect.name];
  return effect.kind === 'foreign-key' || effect.kind === 'check' ? [`${effect.table}.${effect.name}`] : [];
}

async function silenced(client: pg.ClientBase, home: string, others: readonly string[]): Promise<Difference[]> {
  return (await silentKeys(client, home, others)).map(({ name, table }) => ({
    state: 'invalid',
    object: 'foreign key',
    name: `${table}.${name}`,
    expected: 'enforced',
    found: 'its triggers are disabled: it refuses nothing',
  }));
}

/** The part of a picture whose tables and types, or the objects themselves, pass. */
function only(catalogue: Catalogue, passes: (table: string, key: string) => boolean): Catalogue {
  const texts = (map: ReadonlyMap<string, string>) => new Map([...map].filter(([name]) => passes(name, name)));
  const objects = <T extends { table: string }>(map: ReadonlyMap<string, T>) => new Map([...map].filter(([key, { table }]) => passes(table, key)));
  return {
    enums: texts(catalogue.enums),
    tables: texts(catalogue.tables),
    indexes: objects(catalogue.indexes),
    foreignKeys: objects(catalogue.foreignKeys),
    checks: objects(catalogue.checks),
    otherConstraints: objects(catalogue.otherConstraints),
    // A column's comment goes with its table, an index's with the index.
    comments: new Map([...catalogue.comments].filter(([name]) => passes(tableOf(name), name))),
  };
}

function tableOf(name: string): string {
  return /^("(?:[^"]|"")+"\."(?:[^"]|"")+"|[^.]+)/.exec(name)?.[0] ?? name;
}
