import { execFile } from 'node:child_process';
import { readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { expect, test, vi } from 'vitest';
import { backUp, filesIn, scratchDatabases, temporaryFolder, whyNoDump } from '../../../test/support/backup.ts';
import { createDatabase, testServer, withClient } from '../../../test/support/database.ts';
import { apply } from '../../../test/support/migrate.ts';
import { parseDatabaseUrl } from '../../base/config.ts';
import { AppError } from '../../base/errors.ts';
import { hashFile } from './dump-file.ts';
import { acceptBackup, makeBackup, restoreBackup, verifyBackup } from './index.ts';
import { readManifest, writeManifest } from './manifest.ts';

// Each of them starts several programs; on a busy machine every one takes seconds.
vi.setConfig({ testTimeout: 240_000 });

const reason = await whyNoDump();
if (reason !== undefined) console.log(`Tests with a real pg_dump are skipped here. ${reason}`);
const withDump = test.skipIf(reason !== undefined);

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return error instanceof AppError ? error.code : String(error);
}

withDump('only the newest proven backups of the same database are kept, and only after a new one is proven', async () => {
  await using host = await createDatabase({ template: 'host' });
  await using other = await createDatabase({ template: 'host' });
  const folder = await temporaryFolder();
  const theirs = await backUp(other, { folder });
  const first = await backUp(host, { folder });
  const unproven = await backUp(host, { folder });
  const manifest = await readManifest(unproven.file);
  if (!manifest) throw new Error('no manifest');
  const { proof: _, ...rest } = manifest;
  await writeManifest(unproven.file, rest);
  await writeFile(join(folder, 'ours.dump'), 'not made by this');
  expect(await codeOf(backUp(host, { folder, keep: 1, pgRestore: 'false' }))).toBe('BACKUP_TOOL_FAILED');
  expect(await filesIn(folder)).toContain(first.file.slice(folder.length + 1));
  const second = await backUp(host, { folder, keep: 2 });
  expect(await filesIn(folder)).toContain(first.file.slice(folder.length + 1));
  const third = await backUp(host, { folder, keep: 2 });
  const files = [theirs.file, unproven.file, second.file, third.file].flatMap((file) => [file, `${file}.json`]);
  expect(await filesIn(folder)).toEqual([...files.map((file) => file.slice(folder.length + 1)), 'ours.dump'].sort());
  const had = await filesIn(folder);
  expect(await codeOf(backUp(host, { folder, keep: 0 }))).toBe('BACKUP_KEEP_INVALID');
  expect(await filesIn(folder)).toEqual(had);
});

withDump('encrypted with a passphrase: proven from the encrypted file, restored with it, found out when changed', async () => {
  await using host = await createDatabase({ template: 'host' });
  const folder = await temporaryFolder();
  const passphraseFile = join(folder, 'passphrase');
  await writeFile(passphraseFile, 'correct horse battery staple\nanything\n');
  const backup = await backUp(host, { folder, passphraseFile });
  expect(backup).toMatchObject({ encryption: 'passphrase', file: expect.stringMatching(/\.dump\.age$/) });
  expect((await readFile(backup.file)).subarray(0, 21).toString()).toBe('age-encryption.org/v1');
  expect((await readFile(backup.file)).includes('PGDMP')).toBe(false);
  expect(await readFile(`${backup.file}.json`, 'utf8')).not.toContain('horse');
  const address = parseDatabaseUrl(host.url);
  expect(await verifyBackup(backup.file, { address, passphrase: 'correct horse battery staple' })).toMatchObject({ compared: true });
  expect(await codeOf(verifyBackup(backup.file, { address }))).toBe('BACKUP_KEY_MISSING');
  expect(await codeOf(verifyBackup(backup.file, { address, passphrase: 'wrong passphrase' }))).toBe('BACKUP_KEY_WRONG');
  const to = `${host.name}_new`;
  expect(await restoreBackup(backup.file, { address, to, passphraseFile })).toMatchObject({ compared: true });
  await withClient((await testServer()).url, (client) => client.query(`DROP DATABASE ${to}`));
  // Truncated at the end of a block, with a manifest that fits it: the encryption itself finds it.
  const manifest = await readManifest(backup.file);
  if (!manifest) throw new Error('no manifest');
  await truncate(backup.file, backup.bytes - 100);
  await writeFile(`${backup.file}.json`, '');
  expect(await codeOf(verifyBackup(backup.file, { address, passphraseFile }))).toBe('BACKUP_MANIFEST_INVALID');
  await writeManifest(backup.file, { ...manifest, ...(await hashFile(backup.file)) });
  expect(await codeOf(verifyBackup(backup.file, { address, passphraseFile }))).toMatch(/^BACKUP_(?:FILE_CORRUPT|NOT_RESTORABLE)$/);
  expect(await scratchDatabases(host)).toEqual([]);
});

withDump('encrypted for a recipient: proven with the secret key, and not without', async () => {
  await using host = await createDatabase({ template: 'host' });
  const folder = await temporaryFolder();
  const identity = await generateX25519Identity();
  const recipient = await identityToRecipient(identity);
  const identityFile = join(folder, 'key.txt');
  await writeFile(identityFile, `# created: today\n# public key: ${recipient}\n${identity}\n`);
  expect(await codeOf(backUp(host, { folder, recipient }))).toBe('BACKUP_KEY_MISSING');
  const backup = await backUp(host, { folder, recipient, identityFile });
  expect(backup.encryption).toBe('recipient');
  await writeFile(identityFile, `${await generateX25519Identity()}\n`);
  expect(await codeOf(verifyBackup(backup.file, { address: parseDatabaseUrl(host.url), identityFile }))).toBe('BACKUP_KEY_WRONG');
});

test.each([
  [{ recipient: 'age1nonsense', identityFile: undefined }, 'BACKUP_KEY_INVALID'],
  [{ passphrase: 'short' }, 'BACKUP_KEY_INVALID'],
  [{ passphrase: 'long enough', recipient: 'age1x' }, 'BACKUP_KEY_INVALID'],
  [{ passphraseFile: '/nowhere/passphrase' }, 'BACKUP_KEY_MISSING'],
  [{ passphraseFile: '/dev/null' }, 'BACKUP_KEY_INVALID'],
  [{ identityFile: '/dev/null' }, 'BACKUP_KEY_INVALID'],
])('keys that are none are refused before anything is read: %j', async (keys, code) => {
  await using host = await createDatabase({ template: 'host' });
  expect(await codeOf(backUp(host, { folder: await temporaryFolder(), ...keys }))).toBe(code);
});

withDump('a full disk: said as such, and nothing stays', async () => {
  await using host = await createDatabase({ template: 'host' });
  // Random text does not compress: the dump is larger than the limit of the shell.
  await host.query(`CREATE TABLE large AS SELECT string_agg(md5(random()::text), '') AS text FROM generate_series(1, 40000) n GROUP BY n % 40`);
  const folder = await temporaryFolder();
  const script = `const { makeBackup } = await import(${JSON.stringify(new URL('./index.ts', import.meta.url).href)});
    const { parseDatabaseUrl } = await import(${JSON.stringify(new URL('../../base/config.ts', import.meta.url).href)});
    await makeBackup({ address: parseDatabaseUrl(process.argv[1]), folder: process.argv[2], linkTables: [] })
      .then(() => console.log('made'), (error) => console.log(error.code, error.details.reason));`;
  // 400 blocks of 512 bytes (POSIX) or 1 kB (bash): less than the dump either way.
  const output = await new Promise<string>((resolve) => {
    execFile(
      '/bin/sh',
      ['-c', 'ulimit -f 400; exec "$0" "$@"', process.execPath, '--input-type=module', '-e', script, host.url, folder],
      (_error, stdout, stderr) => resolve(stdout + stderr),
    );
  });
  expect(output.trim()).toBe('BACKUP_DISK_FULL EFBIG');
  expect(await readdir(folder)).toEqual([]);
});

withDump('a folder that cannot be made is named before anything is dumped', async () => {
  await using host = await createDatabase({ template: 'host' });
  expect(await codeOf(backUp(host, { folder: '/proc/nowhere' }))).toBe('BACKUP_FOLDER_UNWRITABLE');
});

withDump('the connection that holds the snapshot is lost in the middle: an error in words, nothing stays', async () => {
  await using host = await createDatabase({ template: 'host' });
  await host.query(`CREATE TABLE large AS SELECT string_agg(md5(random()::text), '') AS text FROM generate_series(1, 40000) n GROUP BY n % 40`);
  const folder = await temporaryFolder();
  let cut = false;
  const error: unknown = await backUp(host, {
    folder,
    onProgress: ({ phase }) => {
      if (cut || phase !== 'dump') return;
      cut = true;
      void host.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name IN ('onechart migrate', 'onechart backup')`,
      );
    },
  }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(cut).toBe(true);
  expect(error).toBeInstanceOf(AppError);
  expect((error as AppError).code).toMatch(/^(?:DATABASE|BACKUP)_CONNECTION_LOST$/);
  expect(await readdir(folder)).toEqual([]);
});

withDump('apply makes its backup under the migration lock, before anything is changed; it stands in the journal', async () => {
  await using host = await createDatabase({ template: 'host' });
  const folder = await temporaryFolder();
  let atBackup: unknown[] = [];
  const result = await apply(host, {
    noBackup: false,
    backup: async () => {
      atBackup = await host.query(
        `SELECT to_regclass('onechart.migration_runs') IS NULL AS untouched, EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 72707369 AND granted) AS locked`,
      );
      return backUp(host, { folder });
    },
  });
  expect(atBackup).toEqual([{ untouched: true, locked: true }]);
  expect(result.verification.ok).toBe(true);
  expect(result.backup?.sha256).toMatch(/^[0-9a-f]{64}$/);
  // Nothing to do: no backup either.
  expect(await apply(host, { noBackup: false, backup: () => Promise.reject(new Error('asked')) })).toMatchObject({ steps: [], backup: undefined });
  // Gone back to: the database as it was before the module.
  const address = parseDatabaseUrl(host.url);
  const to = `${host.name}_new`;
  await restoreBackup(result.backup?.file ?? '', { address, to });
  await withClient((await testServer()).url, (client) => client.query(`DROP DATABASE ${to}`));
});

withDump('a table that somebody makes while the backup is made: nothing is migrated', async () => {
  await using host = await createDatabase({ template: 'host' });
  const folder = await temporaryFolder();
  const refused = apply(host, {
    noBackup: false,
    backup: async () => {
      const backup = await backUp(host, { folder });
      await host.query('CREATE TABLE made_meanwhile (id int)');
      return backup;
    },
  });
  await expect(refused).rejects.toMatchObject({ kind: 'unsafe', code: 'BACKUP_OUTDATED', message: expect.stringContaining('table public.made_meanwhile') });
  expect(await host.query(`SELECT to_regclass('patients') IS NULL AS without`)).toEqual([{ without: true }]);
});

withDump('a backup proven earlier is accepted for this database only, while it is young and unchanged', async () => {
  await using host = await createDatabase({ template: 'host' });
  await using other = await createDatabase({ template: 'host' });
  const folder = await temporaryFolder();
  const { file } = await backUp(host, { folder });
  const address = parseDatabaseUrl(host.url);
  expect(await acceptBackup(file, { address })).toMatchObject({ earlier: true, database: host.name });
  expect(await codeOf(acceptBackup(file, { address: parseDatabaseUrl(other.url) }))).toBe('BACKUP_OF_OTHER_DATABASE');
  expect(await codeOf(acceptBackup(file, { address, maxAgeHours: 0 }))).toBe('BACKUP_TOO_OLD');
  expect(await codeOf(acceptBackup(join(folder, 'none'), { address }))).toBe('BACKUP_UNPROVEN');
  const manifest = await readManifest(file);
  if (!manifest) throw new Error('no manifest');
  await writeManifest(file, { ...manifest, database: { ...manifest.database, systemIdentifier: '1' } });
  expect(await codeOf(acceptBackup(file, { address }))).toBe('BACKUP_OF_OTHER_DATABASE');
  await writeManifest(file, manifest);
  await truncate(file, (await stat(file)).size - 1);
  expect(await codeOf(acceptBackup(file, { address }))).toBe('BACKUP_FILE_CORRUPT');
});

withDump('a backup gives up when its caller does, and leaves nothing', async () => {
  await using host = await createDatabase({ template: 'host' });
  const folder = await temporaryFolder();
  const giveUp = new AbortController();
  const work = makeBackup({
    address: parseDatabaseUrl(host.url),
    folder,
    linkTables: [],
    signal: giveUp.signal,
    onProgress: () => giveUp.abort(new Error('given up')),
  });
  await expect(work).rejects.toThrow('given up');
  expect(await readdir(folder)).toEqual([]);
});
