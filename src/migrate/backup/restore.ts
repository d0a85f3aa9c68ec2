import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type pg from 'pg';
import type { DatabaseAddress } from '../../base/config.ts';
import { AppError } from '../../base/errors.ts';
import { translate } from '../preflight.ts';
import { connect } from '../session.ts';
import { quote, row, rows } from '../sql.ts';
import { carryProperties } from './database-properties.ts';
import { type EncryptionOptions, openCipher } from './encryption.ts';
import type { BackupProgress } from './make.ts';
import { type BackupManifest, readManifest } from './manifest.ts';
import { assertSame, serverMajorOf } from './prove.ts';
import { assertIntact, inventoryOf, restoreInto } from './restore-into.ts';
import { assertMayCreate, connectAdmin, createMarked, describeDatabase, isMarked, tryClaim } from './scratch.ts';
import { type SwapResult, swapDatabases, swapStatements } from './swap.ts';
import { findTool, type ToolOptions } from './tools.ts';

export interface RestoreOptions extends ToolOptions, EncryptionOptions {
  /** The server, and the live database that a swap would replace. */
  readonly address: DatabaseAddress;
  /** Name of the new database. */
  readonly to: string;
  /** Leave out owners and rights, for a server that does not know the roles. */
  readonly withoutRights?: boolean | undefined;
  /** Restore a dump that has no manifest: nothing can be compared. */
  readonly withoutManifest?: boolean | undefined;
  /** Let the new database take the live one's name. */
  readonly swap?: boolean | undefined;
  /** With `swap`: end the sessions of the live database instead of refusing while there are any. */
  readonly endSessions?: boolean | undefined;
  readonly onProgress?: ((progress: BackupProgress) => void) | undefined;
  /** Called with the restored database when it is complete and before a swap: what must be so before anybody works on it. A repeated call calls it again. */
  readonly whenComplete?: ((restored: DatabaseAddress) => Promise<void>) | undefined;
  /** Told after each part that a killed run does not lose or has to begin anew. */
  readonly onCheckpoint?: ((name: string) => void | Promise<void>) | undefined;
}

export interface RestoredBackup {
  readonly database: string;
  /** False without a manifest. */
  readonly compared: boolean;
  /** True when an earlier run of the same command had restored it already. */
  readonly foundComplete: boolean;
  readonly objects: number;
  readonly tables: number;
  readonly rows: number;
  /** What was not carried over from the live database, in words. */
  readonly notes: readonly string[];
  /** The statements of a swap, for whoever performs it by hand. */
  readonly swapStatements: readonly string[];
  readonly swapped?: SwapResult;
}

/**
 * Restores a backup into a new database beside the live one. Under its own name it appears only when it is complete and compared
 * with the manifest; the live database is not touched, unless `swap` is given: then both names change in one transaction and the
 * database before is kept.
 *
 * Killed anywhere, the same call goes on: an unfinished database is known by its name and marker and made anew, a finished
 * one is used, a swap has happened or has not.
 *
 * Errors: those of a proof (`BACKUP_FILE_CORRUPT`, `BACKUP_NOT_RESTORABLE`, `BACKUP_DIFFERS`), `BACKUP_MANIFEST_MISSING`,
 * `RESTORE_TARGET_PRESENT` (never into a database that is there), `RESTORE_ROLES_MISSING`, `RESTORE_RUNNING`, `RESTORE_SESSIONS_OPEN`,
 * `BACKUP_OF_OTHER_DATABASE`.
 *
 * @example
 * const restored = await restoreBackup('/srv/backups/ehr-20260103T120000000Z.dump', {
 *   address: parseDatabaseUrl('postgresql://ehr_user@127.0.0.1/ehr'),
 *   to: 'ehr_restored',
 * });
 * console.log(restored.swapStatements.join('\n'));
 */
export async function restoreBackup(path: string, options: RestoreOptions): Promise<RestoredBackup> {
  const file = resolve(path);
  const { address, to } = options;
  const manifest = await readManifest(file);
  if (to === address.database)
    throw new AppError('unsafe', 'RESTORE_TARGET_PRESENT', `"${to}" is the live database. Give another name with --to; --swap exchanges them afterwards.`, {
      database: to,
    });
  if (Buffer.byteLength(to) > 63 || to === '')
    throw new AppError('invalid', 'RESTORE_NAME_INVALID', 'A database name has 1 to 63 bytes. Give a shorter one with --to.', { database: to });
  if (!manifest && !options.withoutManifest)
    throw new AppError(
      'unsafe',
      'BACKUP_MANIFEST_MISSING',
      `${file} has no manifest (${file}.json): it can be restored, but not compared with what was saved. Put the manifest beside it, or say --without-manifest.`,
      { file },
    );
  if (manifest && options.swap && manifest.database.name !== address.database)
    throw new AppError(
      'unsafe',
      'BACKUP_OF_OTHER_DATABASE',
      `${file} is a backup of "${manifest.database.name}", and the swap would replace "${address.database}". Restore it without --swap and rename it by hand if that is meant.`,
      { saved: manifest.database.name, live: address.database },
    );
  const { sha256 } = await assertIntact(file, manifest);
  const admin = await connectAdmin(address);
  try {
    const claim = workName(to);
    if (!(await tryClaim(admin, claim)))
      throw new AppError('busy', 'RESTORE_RUNNING', `Another restore into "${to}" is running. Wait until it has ended.`, { database: to });
    const done = await alreadyDone(admin, { sha256, to, live: address.database });
    if (done === 'swapped' && options.swap)
      return await summary(manifest, { admin, options, foundComplete: true, notes: [], swapped: await swappedBefore(admin, address.database) });
    const notes = done === 'restored' ? [] : await restoreNew(admin, { file, manifest, sha256, options, unfinished: claim });
    await options.whenComplete?.({ ...address, database: to });
    const swapped = options.swap
      ? await swapDatabases(admin, { server: address, live: address.database, restored: to, endSessions: options.endSessions ?? false })
      : undefined;
    if (swapped) await options.onCheckpoint?.('swapped');
    return await summary(manifest, { admin, options, foundComplete: done === 'restored', notes, swapped });
  } catch (error) {
    throw translate(error, address);
  } finally {
    await admin.end().catch(() => undefined);
  }
}

/** A restore works under this name; whoever restores into the same target meets it. */
export function workName(to: string): string {
  return `onechart_restore_${createHash('sha256').update(to).digest('hex').slice(0, 12)}`;
}

/** Comment of a database that was restored completely: how a later run knows it. */
function completeMarker(sha256: string, to: string): string {
  return `Restored by OneChart as ${JSON.stringify(to)} from the backup ${sha256}`;
}

async function commentOf(admin: pg.ClientBase, database: string): Promise<string | undefined> {
  const [found] = await rows<{ comment: string | null }>(admin, `SELECT shobj_description(oid, 'pg_database') AS comment FROM pg_database WHERE datname = $1`, [
    database,
  ]);
  return found && (found.comment ?? '');
}

async function alreadyDone(
  admin: pg.ClientBase,
  { sha256, to, live }: { sha256: string; to: string; live: string },
): Promise<'restored' | 'swapped' | undefined> {
  const marker = completeMarker(sha256, to);
  const there = await commentOf(admin, to);
  if (there?.startsWith(marker)) return 'restored';
  if (there !== undefined)
    throw new AppError(
      'unsafe',
      'RESTORE_TARGET_PRESENT',
      `There is a database "${to}" already, and nothing is restored into it. Give another name with --to, or drop it first.`,
      { database: to },
    );
  return (await commentOf(admin, live))?.startsWith(marker) ? 'swapped' : undefined;
}

async function restoreNew(
  admin: pg.Client,
  work: { file: string; manifest: BackupManifest | undefined; sha256: string; options: RestoreOptions; unfinished: string },
): Promise<string[]> {
  const { file, manifest, sha256, options, unfinished } = work;
  const { address, to, onProgress } = options;
  const tell = async (name: string) => options.onCheckpoint?.(name);
  await assertMayCreate(admin, address, 'Grant it (ALTER ROLE … CREATEDB), or restore as a user who may.');
  const serverMajor = await serverMajorOf(admin);
  const withRights = !options.withoutRights;
  if (manifest && withRights) await assertRolesKnown(admin, manifest);
  const tool = await findTool('pg_restore', { ...options, serverMajor: Math.max(serverMajor, Number.parseInt(manifest?.serverVersion ?? '0', 10)) });
  const cipher = await openCipher(options);
  if ((await commentOf(admin, unfinished)) !== undefined) {
    if (!(await isMarked(admin, unfinished)))
      throw new AppError(
        'unsafe',
        'RESTORE_TARGET_PRESENT',
        `There is a database "${unfinished}", which is the name this restore works under. Rename or drop it.`,
        {
          database: unfinished,
        },
      );
    await admin.query(`DROP DATABASE IF EXISTS ${quote(unfinished)} WITH (FORCE)`);
  }
  await createMarked(admin, unfinished, manifest?.database ?? (await describeDatabase(admin)));
  await tell('created');
  const target = { ...address, database: unfinished, schema: 'public' };
  try {
    const { size } = await stat(file);
    await restoreInto({
      tool,
      file,
      cipher,
      target,
      serverMajor,
      withRights,
      onBytes: (done) => onProgress?.({ phase: 'restore', done, of: size, unit: 'bytes' }),
    });
    await tell('restored');
    if (manifest) {
      const inventory = await inventoryOf(target, Object.keys(manifest.inventory.checksums), (done, of) =>
        onProgress?.({ phase: 'compare', done, of, unit: 'tables' }),
      );
      assertSame(manifest, inventory, { file, definitions: serverMajor === Number.parseInt(manifest.serverVersion, 10) });
      await tell('compared');
    }
    await analyze(target);
    const notes = await carryProperties(admin, { from: address.database, to: unfinished });
    await tell('properties carried over');
    await giveName(admin, { unfinished, to, marker: completeMarker(sha256, to) });
    await tell('named');
    return notes;
  } catch (error) {
    await admin.query(`DROP DATABASE IF EXISTS ${quote(unfinished)} WITH (FORCE)`).catch(() => undefined);
    throw error;
  }
}

/** Without statistics the first day after a swap is a slow one. */
async function analyze(target: DatabaseAddress): Promise<void> {
  const client = await connect(target);
  try {
    await client.query('ANALYZE');
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Name and marker at once: a database under the wanted name is always a complete one. */
async function giveName(admin: pg.ClientBase, { unfinished, to, marker }: { unfinished: string; to: string; marker: string }): Promise<void> {
  await admin.query('BEGIN');
  try {
    await admin.query(`COMMENT ON DATABASE ${quote(unfinished)} IS '${`${marker} on ${new Date().toISOString()}.`.replaceAll("'", "''")}'`);
    await admin.query(`ALTER DATABASE ${quote(unfinished)} RENAME TO ${quote(to)}`);
    await admin.query('COMMIT');
  } catch (error) {
    await admin.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

async function assertRolesKnown(admin: pg.ClientBase, manifest: BackupManifest): Promise<void> {
  const missing = await rows<{ name: string }>(
    admin,
    'SELECT name FROM unnest($1::text[]) AS name WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) ORDER BY 1',
    [manifest.database.roles],
  );
  if (missing.length > 0)
    throw new AppError(
      'unsafe',
      'RESTORE_ROLES_MISSING',
      `This server does not know ${missing.map(({ name }) => `"${name}"`).join(', ')}, who own objects or hold rights in the backup. Create these roles first, or restore without owners and rights: --no-privileges.`,
      { roles: missing.map(({ name }) => name) },
    );
}

async function swappedBefore(admin: pg.ClientBase, live: string): Promise<SwapResult> {
  const kept = /kept as ("(?:[^"\\]|\\.)*")/.exec((await commentOf(admin, live)) ?? '')?.[1];
  return { live, kept: kept === undefined ? '' : (JSON.parse(kept) as string), endedSessions: 0 };
}

async function summary(
  manifest: BackupManifest | undefined,
  {
    admin,
    options,
    foundComplete,
    notes,
    swapped,
  }: { admin: pg.ClientBase; options: RestoreOptions; foundComplete: boolean; notes: string[]; swapped: SwapResult | undefined },
): Promise<RestoredBackup> {
  const { live } = await row<{ live: boolean }>(admin, 'SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1) AS live', [options.address.database]);
  const counts = Object.values(manifest?.inventory.rows ?? {});
  return {
    database: swapped?.live ?? options.to,
    compared: manifest !== undefined,
    foundComplete,
    objects: Object.keys(manifest?.inventory.objects ?? {}).length,
    tables: counts.length,
    rows: counts.reduce((sum, each) => sum + each, 0),
    notes,
    swapStatements: swapStatements({ live: live ? options.address.database : undefined, restored: options.to, name: options.address.database }),
    ...(swapped ? { swapped } : {}),
  };
}
