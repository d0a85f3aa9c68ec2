import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { parseDatabaseUrl } from '../../src/base/config.ts';
import { AppError } from '../../src/base/errors.ts';
import { type BackupOptions, makeBackup, type ProvenBackup } from '../../src/migrate/backup/index.ts';
import { workName } from '../../src/migrate/backup/restore.ts';
import { scratchPrefix } from '../../src/migrate/backup/scratch.ts';
import { findTool } from '../../src/migrate/backup/tools.ts';
import { defaultLinkTables } from '../../src/migrate/index.ts';
import { testServer, withClient } from './database.ts';

/** A folder for one test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'onechart-backup-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Why this machine cannot save the test server with pg_dump; undefined when it can. */
export async function whyNoDump(): Promise<string | undefined> {
  const { version } = await testServer();
  return findTool('pg_dump', { serverMajor: version }).then(
    () => undefined,
    (error: unknown) => (error instanceof AppError ? `${error.code}: ${error.message}` : String(error)),
  );
}

export function backUp(database: { url: string }, options: { folder: string } & Partial<BackupOptions>): Promise<ProvenBackup> {
  return makeBackup({ address: parseDatabaseUrl(database.url), linkTables: defaultLinkTables, ...options });
}

/** A program of a few lines in the shell's language. */
export async function script(folder: string, name: string, text: string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, `#!/bin/sh\n${text}\n`);
  await chmod(file, 0o755);
  return file;
}

/** Names in a folder that look like a backup or what is to become one. */
export async function filesIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => /\.(?:dump|age|copy|json|partial)$/.test(name)).sort();
}

/** Databases of ours that should not outlive a run on this one (other tests work on the same server). */
export async function scratchDatabases({ name }: { name: string }): Promise<string[]> {
  const { url } = await testServer();
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ datname: string }>(`SELECT datname FROM pg_database WHERE starts_with(datname, $1) OR datname = $2 ORDER BY 1`, [
      scratchPrefix(name),
      workName(`${name}_new`),
    ]);
    return rows.map(({ datname }) => datname);
  });
}

/** Waits until a question has the answer yes; the test's own timeout ends it. */
export async function until(question: () => Promise<boolean>): Promise<void> {
  while (!(await question())) await new Promise((resolve) => setTimeout(resolve, 20));
}
