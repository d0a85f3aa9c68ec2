import type { DatabaseAddress } from '../../base/config.ts';
import { AppError } from '../../base/errors.ts';
import { connect } from '../session.ts';
import { row } from '../sql.ts';
import { compareInventories, type Inventory, readInventory, readObjects, settleTexts } from './inventory.ts';
import type { BackupManifest, SavedDatabase } from './manifest.ts';
import { describeDatabase } from './scratch.ts';

/** What a server on a copy of the data folder shows: every row of every table read to its last byte. */
export interface InspectedCopy {
  readonly database: SavedDatabase;
  readonly inventory: Inventory;
  readonly serverVersion: string;
}

export async function inspectCopy(address: DatabaseAddress, onTable?: (done: number, of: number) => void): Promise<InspectedCopy> {
  return inSnapshot(address, async (client) => {
    const { version } = await row<{ version: string }>(client, `SELECT current_setting('server_version') AS version`);
    return { database: await describeDatabase(client), inventory: await readInventory(client, { checksumTables: 'all', onTable }), serverVersion: version };
  });
}

/** The schema as it is now, to be compared with that of a backup. */
export function readLiveObjects(address: DatabaseAddress): Promise<Record<string, string>> {
  return inSnapshot(address, readObjects);
}

async function inSnapshot<T>(address: DatabaseAddress, work: (client: Awaited<ReturnType<typeof connect>>) => Promise<T>): Promise<T> {
  const client = await connect(address);
  try {
    await client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await settleTexts(client);
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** The manifest of a cold copy, still without its proof. */
export function coldCopyManifest(options: {
  file: string;
  startedAt: Date;
  clientVersion: string;
  copy: { readonly bytes: number; readonly sha256: string; readonly files: readonly { path: string; bytes: number; sha256: string }[] };
  inspected: InspectedCopy;
}): BackupManifest {
  const { copy, inspected } = options;
  const { inventory } = inspected;
  return {
    format: 'onechart-backup/1',
    method: 'cold copy',
    file: options.file,
    bytes: copy.bytes,
    sha256: copy.sha256,
    startedAt: options.startedAt.toISOString(),
    finishedAt: new Date().toISOString(),
    clientVersion: options.clientVersion,
    serverVersion: inspected.serverVersion,
    database: inspected.database,
    inventory: { ...inventory, notDumped: [...inventory.notDumped] },
    files: [...copy.files],
  };
}

/** A copy holds invalid indexes too, so the objects are all there is to compare with the live ones. Errors: `BACKUP_DIFFERS`. */
export function assertSameObjects(file: string, saved: Readonly<Record<string, string>>, found: Readonly<Record<string, string>>): void {
  const nothing = { rows: {}, checksums: {}, sequences: {}, notDumped: [] };
  const differences = compareInventories({ ...nothing, objects: saved }, { ...nothing, objects: found }, { definitions: true });
  if (differences.length === 0) return;
  throw new AppError(
    'unsafe',
    'BACKUP_DIFFERS',
    `${file} does not hold the schema that the database has: ${differences.join('; ')}. When the schema was changed meanwhile, make another backup; otherwise do not rely on this one.`,
    { file, differences },
  );
}
