import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { quote, rows } from '../sql.ts';
import { beginFolder, finishFolder, fsWork } from './export-folder.ts';
import { type ExportedTable, type ExportManifest, manifestName, sealed } from './manifest.ts';

export interface ExportOptions {
  readonly folder: string;
  readonly gzip: boolean;
  readonly schema: string;
  readonly tables: readonly string[];
  readonly about: Pick<ExportManifest, 'id' | 'createdAt' | 'database' | 'server' | 'module' | 'migrations'>;
}

const notice =
  'These files hold patient data (PHI): names, dates of birth, addresses, documents, allergies, the audit trail. Keep them as you keep the database, and delete them when they are no longer needed. Bring them back with: onechart migrate import <this folder>';

/** How values are written and read: the same everywhere, whatever the server's or the role's settings are. */
export const plainValues = `SELECT set_config('timezone', 'UTC', true), set_config('datestyle', 'ISO, YMD', true), set_config('intervalstyle', 'postgres', true), set_config('extra_float_digits', '1', true), set_config('bytea_output', 'hex', true)`;

/**
 * Writes the rows of tables to a folder, a CSV file each, and a manifest. Runs in the caller's transaction: what it writes is
 * what that transaction sees. The folder has its name when everything in it is on disk, and not before.
 */
export async function exportRows(client: pg.Client, options: ExportOptions): Promise<ExportManifest> {
  const { folder, tables, about, schema } = options;
  await client.query(plainValues);
  const partial = await beginFolder(folder);
  const exported: ExportedTable[] = [];
  for (const table of tables) exported.push(await exportTable(client, { table, schema, gzip: options.gzip, partial, folder }));
  const manifest = sealed({ format: 'onechart-rows', version: 1, notice, ...about, schema, tables: exported });
  await fsWork(folder, () => writeFile(join(partial, manifestName), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600, flag: 'wx', flush: true }));
  await finishFolder(folder);
  return manifest;
}

/** The columns a table's rows are written with; generated ones make themselves. */
export async function columnsOf(client: pg.ClientBase, schema: string, table: string): Promise<ColumnOfTable[]> {
  return rows<ColumnOfTable>(
    client,
    `SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AS needed
     FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum`,
    [schema, table],
  );
}

export interface ColumnOfTable {
  readonly name: string;
  readonly type: string;
  /** A row cannot be without a value of its own here. */
  readonly needed: boolean;
}

async function exportTable(
  client: pg.Client,
  { table, schema, gzip, partial, folder }: { table: string; schema: string; gzip: boolean; partial: string; folder: string },
): Promise<ExportedTable> {
  const columns = await columnsOf(client, schema, table);
  const file = `${encodeURIComponent(table)}.csv${gzip ? '.gz' : ''}`;
  const list = columns.map(({ name }) => quote(name)).join(', ');
  // A query, as COPY takes no partitioned table by name.
  const source = client.query(copyTo(`COPY (SELECT ${list} FROM ${quote(schema)}.${quote(table)}) TO STDOUT WITH (FORMAT csv, HEADER, ENCODING 'UTF8')`));
  const written = await writeStream(source, { path: join(partial, file), gzip, folder });
  // The number of rows comes with the end of the command, which the connection has read when it answers again.
  await client.query('SELECT');
  return { table, file, columns: columns.map(({ name, type }) => ({ name, type })), rows: source.rowCount, ...written };
}

/** Writes what the server sends. When the disk fails, the rest is read and thrown away: a COPY left hanging would hang the connection. */
async function writeStream(
  source: AsyncIterable<Buffer>,
  { path, gzip, folder }: { path: string; gzip: boolean; folder: string },
): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      bytes += chunk.length;
      done(null, chunk);
    },
  });
  const input = new PassThrough();
  const target = createWriteStream(path, { flags: 'wx', mode: 0o600, flush: true });
  let failed = false;
  const written = gzip ? pipeline(input, createGzip(), meter, target) : pipeline(input, meter, target);
  written.catch(() => {
    failed = true;
  });
  try {
    for await (const chunk of source) {
      if (failed || input.write(chunk)) continue;
      await Promise.race([once(input, 'drain'), written]).catch(() => undefined);
    }
  } catch (error) {
    input.destroy();
    await written.catch(() => undefined);
    throw error;
  }
  input.end();
  await fsWork(folder, () => written);
  return { bytes, sha256: hash.digest('hex') };
}
