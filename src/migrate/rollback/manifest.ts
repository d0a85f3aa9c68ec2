import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../base/errors.ts';

/** One table's rows in a folder of exported rows. */
export interface ExportedTable {
  readonly table: string;
  /** CSV with a header (RFC 4180, UTF-8, an empty field without quotes is NULL), gzipped where the name ends in .gz. */
  readonly file: string;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: number;
  readonly bytes: number;
  /** Hex, of the file as it lies there. */
  readonly sha256: string;
}

/** What says which rows lie in a folder, where they came from, and whether they are still the same. */
export interface ExportManifest {
  readonly format: 'onechart-rows';
  readonly version: 1;
  readonly notice: string;
  readonly id: string;
  readonly createdAt: string;
  readonly database: string;
  readonly schema: string;
  readonly server: string;
  readonly module: string;
  readonly migrations: readonly { readonly name: string; readonly checksum: string }[];
  readonly tables: readonly ExportedTable[];
  /** Of all the other fields, as JSON. */
  readonly sha256: string;
}

export const manifestName = 'manifest.json';

export function sealed(manifest: Omit<ExportManifest, 'sha256'>): ExportManifest {
  return { ...manifest, sha256: hashOf(manifest) };
}

function hashOf(manifest: object): string {
  return createHash('sha256').update(JSON.stringify(manifest)).digest('hex');
}

/**
 * Reads a manifest and proves it unchanged; the files are not looked at.
 *
 * Errors: `EXPORT_MISSING` (not-found), `EXPORT_DAMAGED` (unsafe), `EXPORT_UNKNOWN_FORMAT` (unsupported).
 */
export async function readManifest(folder: string): Promise<ExportManifest> {
  const path = join(folder, manifestName);
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new AppError(
      'not-found',
      'EXPORT_MISSING',
      `${path} is not there or cannot be read. Give the folder that onechart migrate rollback --export wrote.`,
      { folder },
      { cause },
    );
  });
  let manifest: ExportManifest;
  try {
    manifest = JSON.parse(text) as ExportManifest;
  } catch (cause) {
    throw damaged(folder, `${manifestName} is not whole`, cause);
  }
  if (manifest?.format !== 'onechart-rows' || manifest.version !== 1 || !Array.isArray(manifest.tables))
    throw new AppError('unsupported', 'EXPORT_UNKNOWN_FORMAT', `${path} is no export of rows that this version of OneChart can read.`, { folder });
  const { sha256, ...rest } = manifest;
  if (sha256 !== hashOf(rest)) throw damaged(folder, `${manifestName} was changed after it had been written`);
  return manifest;
}

/**
 * Proves every file of an export as it was written, before anything is done with it.
 *
 * Errors: those of `readManifest`, and `EXPORT_DAMAGED` naming the file.
 */
export async function readExport(folder: string): Promise<ExportManifest> {
  const manifest = await readManifest(folder);
  for (const { file, bytes, sha256 } of manifest.tables) {
    if (/[/\\]|^\./.test(file)) throw damaged(folder, `${manifestName} names a file outside of the folder`);
    const path = join(folder, file);
    const size = await stat(path).then(
      (each) => each.size,
      () => undefined,
    );
    if (size === undefined) throw damaged(folder, `${file} is missing`);
    if (size !== bytes) throw damaged(folder, `${file} has ${size} bytes instead of ${bytes}`);
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
    if (hash.digest('hex') !== sha256) throw damaged(folder, `${file} was changed after it had been written`);
  }
  return manifest;
}

export function damaged(folder: string, what: string, cause?: unknown): AppError {
  return new AppError(
    'unsafe',
    'EXPORT_DAMAGED',
    `The export in ${folder} is damaged: ${what}. Nothing was read from it. Take another copy of the folder.`,
    { folder },
    cause === undefined ? {} : { cause },
  );
}
