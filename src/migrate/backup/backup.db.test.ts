import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createDatabase } from '../../../test/support/database.ts';
import { parseDatabaseUrl } from '../../base/config.ts';
import { defaultLinkTables } from '../module/index.ts';
import { type BackupOptions, makeBackup, verifyBackup } from './index.ts';

async function folderOfOurs(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'onechart-backup-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function backupOf(database: { url: string }, folder: string, options: Partial<BackupOptions> = {}) {
  return makeBackup({ address: parseDatabaseUrl(database.url), folder, linkTables: defaultLinkTables, ...options });
}

test('first', async () => {
  await using host = await createDatabase({ template: 'host' });
  const folder = await folderOfOurs();
  const backup = await backupOf(host, folder, { onProgress: (p) => console.log(p) });
  console.log({ ...backup, objects: Object.keys(backup.objects).length }, await readdir(folder));
  console.log((await readFile(`${backup.file}.json`, 'utf8')).slice(0, 1500));
  console.log((await verifyBackup(backup.file, { address: parseDatabaseUrl(host.url) })).compared);
});
