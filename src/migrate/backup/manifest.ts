import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { AppError } from '../../base/errors.ts';

const Inventory = z.object({
  objects: z.record(z.string(), z.string()),
  rows: z.record(z.string(), z.number()),
  checksums: z.record(z.string(), z.string()),
  sequences: z.record(z.string(), z.string()),
  notDumped: z.array(z.string()),
});

const Proof = z.object({
  /** The server, or the folder, that the backup was restored to. */
  where: z.string(),
  at: z.iso.datetime(),
  milliseconds: z.number(),
  objects: z.number(),
  tables: z.number(),
  rows: z.number(),
  /** Tables whose rows were compared by checksum, with it. */
  checksums: z.record(z.string(), z.string()),
});

const SavedDatabase = z.object({
  name: z.string(),
  /** Of the server's cluster (pg_control_system), where the user may read it. */
  systemIdentifier: z.string().optional(),
  encoding: z.string(),
  collate: z.string(),
  ctype: z.string(),
  /** `icu` or `builtin` with its locale, from 15 and 17 on. */
  localeProvider: z.enum(['libc', 'icu', 'builtin']).optional(),
  locale: z.string().optional(),
  /** Owners and holders of rights in it: a server it is restored to must know them. */
  roles: z.array(z.string()),
});

/** What lies beside a backup as `<file>.json`. It names objects and counts rows; it holds no secret and nothing of a patient. */
export const BackupManifest = z.object({
  format: z.literal('onechart-backup/1'),
  method: z.enum(['pg_dump', 'cold copy']),
  /** Name of the backup's file, or of its folder for a cold copy, beside the manifest. */
  file: z.string(),
  bytes: z.number(),
  /** Of the file as it lies there (encrypted, if it is); of the list of files and their sums for a cold copy. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  encryption: z.enum(['passphrase', 'recipient']).optional(),
  /** The backup shows the database as it was at this moment. */
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  clientVersion: z.string(),
  serverVersion: z.string(),
  database: SavedDatabase,
  inventory: Inventory,
  /** Files of a cold copy: path, size, sum. */
  files: z.array(z.object({ path: z.string(), bytes: z.number(), sha256: z.string() })).optional(),
  /** Missing until it has been restored and compared: without it this is no backup yet. */
  proof: Proof.optional(),
});
export type BackupManifest = z.infer<typeof BackupManifest>;
export type BackupProof = z.infer<typeof Proof>;
export type SavedDatabase = z.infer<typeof SavedDatabase>;

/** A backup that has been restored once and was what it should be. */
export interface ProvenBackup {
  /** Path of the file, or of the folder of a cold copy. */
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly method: 'pg_dump' | 'cold copy';
  readonly encryption?: 'passphrase' | 'recipient' | undefined;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly clientVersion: string;
  readonly serverVersion: string;
  readonly database: string;
  readonly proof: BackupProof;
  /** Proven before this run; live writes since then are not in it. */
  readonly earlier?: boolean;
  /** The saved schema, an object a line, for whoever must know that it has not changed since. */
  readonly objects: Readonly<Record<string, string>>;
}

export const manifestFile = (file: string) => `${file}.json`;

/** Undefined where there is none. Errors: `BACKUP_MANIFEST_INVALID`. */
export async function readManifest(file: string): Promise<BackupManifest | undefined> {
  const path = manifestFile(file);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
  try {
    return BackupManifest.parse(JSON.parse(text));
  } catch (cause) {
    throw new AppError(
      'invalid',
      'BACKUP_MANIFEST_INVALID',
      `The manifest ${path} is damaged or of another version. Restore it from a copy; without it the backup can be restored but not compared.`,
      { path },
      { cause },
    );
  }
}

/** There as a whole or not at all. */
export async function writeManifest(file: string, manifest: BackupManifest): Promise<void> {
  const path = manifestFile(file);
  const fresh = `${path}.${process.pid}.partial`;
  try {
    await writeFile(fresh, `${JSON.stringify(manifest, null, 1)}\n`, { mode: 0o600, flush: true });
    await rename(fresh, path);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
}

export function provenBackup(file: string, manifest: BackupManifest, proof: BackupProof): ProvenBackup {
  const { bytes, sha256, method, encryption, startedAt, finishedAt, clientVersion, serverVersion } = manifest;
  return {
    file,
    bytes,
    sha256,
    method,
    encryption,
    startedAt,
    finishedAt,
    clientVersion,
    serverVersion,
    database: manifest.database.name,
    proof,
    objects: manifest.inventory.objects,
  };
}

export function proofOf(
  inventory: { objects: Readonly<Record<string, string>>; rows: Readonly<Record<string, number>>; checksums: Readonly<Record<string, string>> },
  where: string,
  milliseconds: number,
): BackupProof {
  return {
    where,
    at: new Date().toISOString(),
    milliseconds: Math.round(milliseconds),
    objects: Object.keys(inventory.objects).length,
    tables: Object.keys(inventory.rows).length,
    rows: Object.values(inventory.rows).reduce((sum, each) => sum + each, 0),
    checksums: { ...inventory.checksums },
  };
}
