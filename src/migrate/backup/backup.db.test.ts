import { execFileSync } from 'node:child_process';
import { readFile, rename, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { beforeAll, expect, test, vi } from 'vitest';
import { backUp, filesIn, scratchDatabases, script, temporaryFolder, whyNoDump } from '../../../test/support/backup.ts';
import { createDatabase, testServer, withClient } from '../../../test/support/database.ts';
import { parseDatabaseUrl, toDatabaseUrl } from '../../base/config.ts';
import { AppError } from '../../base/errors.ts';
import { verifyBackup } from './index.ts';
import { readManifest, writeManifest } from './manifest.ts';
import { findTool } from './tools.ts';

// Each of them starts several programs; on a busy machine every one takes seconds.
vi.setConfig({ testTimeout: 240_000 });

const reason = await whyNoDump();
if (reason !== undefined) console.log(`Tests with a real pg_dump are skipped here. ${reason}`);
const withDump = test.skipIf(reason !== undefined);

/** The pg_dump and pg_restore that are used here, as paths. */
let pgDump = '';
let pgRestore = '';
beforeAll(async () => {
  if (reason !== undefined) return;
  const serverMajor = (await testServer()).version;
  pgDump = (await findTool('pg_dump', { serverMajor })).command[0] ?? '';
  pgRestore = (await findTool('pg_restore', { serverMajor })).command[0] ?? '';
});

const verify = (database: { url: string }, file: string) => verifyBackup(file, { address: parseDatabaseUrl(database.url) });

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return error instanceof AppError ? error.code : String(error);
}

withDump('a backup is a dump that was restored and compared; nothing else is left anywhere', async () => {
  await using host = await createDatabase({ template: 'host' });
  const folder = await temporaryFolder();
  const phases = new Set<string>();
  const backup = await backUp(host, { folder, onProgress: ({ phase }) => phases.add(phase) });
  expect([...phases]).toEqual(['dump', 'restore', 'compare']);
  expect(await filesIn(folder)).toEqual([backup.file, `${backup.file}.json`].map((path) => path.slice(folder.length + 1)));
  const [counted] = await host.query<{ rows: number; tables: number }>(
    `SELECT (SELECT count(*) FROM pg_tables WHERE schemaname = 'public')::int AS tables,
       (SELECT sum((xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM %I.%I', schemaname, tablename), false, true, '')))[1]::text::int)
        FROM pg_tables WHERE schemaname = 'public')::int AS rows`,
  );
  expect(backup.proof).toMatchObject({ tables: counted?.tables, rows: counted?.rows });
  expect(Object.keys(backup.proof.checksums)).toEqual(expect.arrayContaining(['public.surgical_cases', 'public.bills']));
  expect(backup).toMatchObject({ method: 'pg_dump', database: host.name, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(await scratchDatabases(host)).toEqual([]);
  expect(await verify(host, backup.file)).toMatchObject({ compared: true, backup: { sha256: backup.sha256 } });
});

withDump('writers go on during a backup and make no difference to its proof', async () => {
  await using host = await createDatabase({ template: 'host' });
  await host.query('CREATE TABLE written (n int)');
  const folder = await temporaryFolder();
  let writing = true;
  let written = 0;
  const writer = (async () => {
    while (writing) {
      await host.query(`UPDATE bills SET "updatedAt" = clock_timestamp() WHERE id = (SELECT id FROM bills LIMIT 1)`);
      await host.query('INSERT INTO written VALUES ($1)', [written]);
      written += 1;
    }
  })();
  const backup = await backUp(host, { folder }).finally(() => {
    writing = false;
  });
  await writer;
  expect(written).toBeGreaterThan(1);
  expect(backup.proof.objects).toBeGreaterThan(50);
});

withDump('a truncated dump: pg_restore --list is content with it, the proof is not', async () => {
  await using host = await createDatabase({ template: 'host' });
  const folder = await temporaryFolder();
  const { file, bytes } = await backUp(host, { folder });
  await truncate(file, bytes - 2_000);
  // The runbook's proofs: the file is there and has a size, and its list of contents reads without an error.
  expect(execFileSync('ls', ['-lh', file]).toString()).toContain(file);
  expect(execFileSync(pgRestore, ['--list', file]).toString()).toContain('TABLE DATA public surgical_cases');
  await expect(verify(host, file)).rejects.toMatchObject({ code: 'BACKUP_FILE_CORRUPT', message: expect.stringContaining('truncated') });
  // The same without a manifest to give it away: the restore itself fails.
  await rename(`${file}.json`, `${file}.json.away`);
  await expect(verify(host, file)).rejects.toMatchObject({ code: 'BACKUP_NOT_RESTORABLE' });
  expect(await scratchDatabases(host)).toEqual([]);
});

withDump('a flipped byte is found, wherever it lies', async () => {
  await using host = await createDatabase({ template: 'host' });
  const folder = await temporaryFolder();
  const { file, bytes } = await backUp(host, { folder });
  const whole = await readFile(file);
  for (const at of [20, Math.floor(bytes / 2), bytes - 1]) {
    const changed = Buffer.from(whole);
    changed[at] = (changed[at] ?? 0) ^ 1;
    await writeFile(file, changed);
    expect(await codeOf(verify(host, file))).toBe('BACKUP_FILE_CORRUPT');
  }
});

withDump('the dump of another database under this manifest: by its checksum, and when that was changed too by what is in it', async () => {
  await using host = await createDatabase({ template: 'host' });
  await using other = await createDatabase({ template: 'host' });
  await other.query(`DELETE FROM bills WHERE id IN (SELECT id FROM bills LIMIT 1)`);
  await other.query('DROP INDEX IF EXISTS "bills_status_idx"');
  const folder = await temporaryFolder();
  const ours = await backUp(host, { folder });
  const theirs = await backUp(other, { folder });
  await rename(theirs.file, ours.file);
  expect(await codeOf(verify(host, ours.file))).toBe('BACKUP_FILE_CORRUPT');
  const manifest = await readManifest(ours.file);
  if (!manifest) throw new Error('no manifest');
  await writeManifest(ours.file, { ...manifest, sha256: theirs.sha256, bytes: theirs.bytes });
  await expect(verify(host, ours.file)).rejects.toMatchObject({
    code: 'BACKUP_DIFFERS',
    message: expect.stringMatching(/table public\.bills has \d+ rows instead of \d+/),
  });
});

withDump('rows that differ and are as many as before are found by their checksum', async () => {
  await using host = await createDatabase({ template: 'host' });
  const folder = await temporaryFolder();
  const before = await backUp(host, { folder });
  await host.query(`UPDATE bills SET "updatedAt" = '2020-01-01' WHERE id = (SELECT id FROM bills LIMIT 1)`);
  const after = await backUp(host, { folder });
  const manifest = await readManifest(before.file);
  const changed = await readManifest(after.file);
  if (!manifest || !changed) throw new Error('no manifest');
  await writeManifest(after.file, { ...changed, inventory: manifest.inventory });
  await expect(verify(host, after.file)).rejects.toMatchObject({
    code: 'BACKUP_DIFFERS',
    message: expect.stringContaining('the rows of table public.bills are not the same'),
  });
});

withDump('a dump without a manifest is restored and counted, and said not to be compared; a plain script is refused', async () => {
  await using host = await createDatabase({ template: 'host' });
  const folder = await temporaryFolder();
  const { file } = await backUp(host, { folder });
  await rename(`${file}.json`, `${file}.json.away`);
  expect(await verify(host, file)).toMatchObject({ compared: false, backup: { proof: { tables: expect.any(Number) } } });
  const plain = join(folder, 'backup.sql');
  const address = parseDatabaseUrl(host.url);
  execFileSync(pgDump, ['-f', plain, host.url], { env: { ...process.env, PGPASSWORD: address.password } });
  await expect(verify(host, plain)).rejects.toMatchObject({ code: 'BACKUP_FORMAT_UNKNOWN' });
  expect(await codeOf(verify(host, join(folder, 'nowhere.dump')))).toBe('BACKUP_FILE_MISSING');
});

withDump('pg_dump of another server behind --pg-dump: it does not know our snapshot', async () => {
  await using host = await createDatabase({ template: 'host' });
  await using other = await createDatabase({ template: 'host' });
  const folder = await temporaryFolder();
  const { host: server, port, password, user } = parseDatabaseUrl(host.url);
  // As `docker exec wrong-container pg_dump`: it goes where it wants, whatever it is told.
  const elsewhere = await script(
    folder,
    'wrong-server',
    `case "$*" in *--version*) exec ${pgDump} --version;; esac\nexport PGPASSWORD=${password}\nfor a; do case "$a" in --dbname=*) ;; *) set -- "$@" "$a";; esac; shift; done\nexec ${pgDump} "$@" -h ${server} -p ${port} -U ${user} -d ${other.name}`,
  );
  await expect(backUp(host, { folder, pgDump: elsewhere, pgRestore })).rejects.toMatchObject({ kind: 'unsafe', code: 'BACKUP_OF_OTHER_SERVER' });
  expect(await filesIn(folder)).toEqual([]);
});

withDump('a wrapper without host and port, as a program in a container has it: given by a command with arguments', async () => {
  await using host = await createDatabase({ template: 'host' });
  const folder = await temporaryFolder();
  // What the container's own environment would say.
  const { host: server, port, password } = parseDatabaseUrl(host.url);
  const container = await script(folder, 'container exec', `shift\nexport PGHOST=${server} PGPORT=${port} PGPASSWORD=${password}\nexec "$@"`);
  const seen = join(folder, 'arguments');
  const inside = await script(folder, 'pg_dump', `printf '%s\\n' "$@" > ${seen}\nexec ${pgDump} "$@"`);
  await script(folder, 'pg_restore', `exec ${pgRestore} "$@"`);
  const backup = await backUp(host, { folder, pgDump: `"${container}" ehr-postgres ${inside}` });
  expect(backup.proof.rows).toBeGreaterThan(100);
  const words = (await readFile(seen, 'utf8')).trim().split('\n');
  expect(words.filter((word) => /password=|PGPASSWORD/.test(word))).toEqual([]);
  expect(words.filter((word) => /^(?:-h|-p|--host|--port)/.test(word))).toEqual([]);
});

withDump.each(['1xetra*onmi', `it's "the" \\ name=x`, 'postgresql://x'])('a database called %s with a password full of signs', async (name) => {
  await using host = await createDatabase({ template: 'host', name });
  const folder = await temporaryFolder();
  const password = `p@ss:w/ord?# %41'"\\ $(x)`;
  const role = `backup "role" ${process.pid}`;
  const { url } = await testServer();
  await withClient(url, (client) => client.query(`CREATE ROLE ${pg.escapeIdentifier(role)} SUPERUSER LOGIN PASSWORD ${pg.escapeLiteral(password)}`));
  try {
    const backup = await backUp({ url: toDatabaseUrl({ ...parseDatabaseUrl(host.url), user: role, password }) }, { folder });
    expect(backup.database).toBe(name);
    expect(await readFile(`${backup.file}.json`, 'utf8')).not.toContain('p@ss');
  } finally {
    await withClient(url, (client) => client.query(`DROP ROLE ${pg.escapeIdentifier(role)}`));
  }
});

withDump('several schemas, and everything else a dump carries', async () => {
  await using host = await createDatabase();
  await host.query(`
    CREATE SCHEMA clinic; CREATE SCHEMA "Odd Schema";
    CREATE TYPE clinic.state AS ENUM ('open', 'closed');
    CREATE DOMAIN clinic.short AS varchar(10) CHECK (value <> '');
    CREATE TABLE clinic.surgical_cases (id int PRIMARY KEY, state clinic.state DEFAULT 'open', "patientId" text, code varchar(20) CHECK (code IN ('a', 'b')), EXCLUDE USING btree (code WITH =));
    CREATE TABLE "Odd Schema"."Odd Table" (id bigint GENERATED ALWAYS AS IDENTITY, at timestamptz DEFAULT now(), twice int GENERATED ALWAYS AS (2 * 3) STORED);
    CREATE TABLE clinic.parts (id int, at date NOT NULL, "caseId" int REFERENCES clinic.surgical_cases, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
    CREATE TABLE clinic.parts_2025 PARTITION OF clinic.parts FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
    CREATE TABLE clinic.parts_2026 PARTITION OF clinic.parts FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
    CREATE INDEX ON clinic.parts (at);
    CREATE INDEX odd_idx ON clinic.surgical_cases (lower(code)) WHERE state IN ('open', 'closed') AND code IN ('a', 'b');
    CREATE VIEW clinic.open AS SELECT * FROM clinic.surgical_cases WHERE code IN ('a', 'b') AND state = 'open';
    CREATE MATERIALIZED VIEW clinic.counts AS SELECT count(*) FROM clinic.surgical_cases;
    CREATE FUNCTION clinic.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$;
    CREATE TRIGGER touch BEFORE UPDATE ON clinic.surgical_cases FOR EACH ROW EXECUTE FUNCTION clinic.touch();
    CREATE TRIGGER touch_parts BEFORE UPDATE ON clinic.parts FOR EACH ROW EXECUTE FUNCTION clinic.touch();
    CREATE RULE nothing AS ON DELETE TO clinic.surgical_cases DO INSTEAD NOTHING;
    ALTER TABLE clinic.surgical_cases ENABLE ROW LEVEL SECURITY;
    CREATE POLICY mine ON clinic.surgical_cases USING (code IN ('a', 'b'));
    COMMENT ON COLUMN clinic.surgical_cases.code IS 'a code';
    ALTER TABLE clinic.surgical_cases ADD CONSTRAINT late CHECK (id > 0) NOT VALID;
    INSERT INTO clinic.surgical_cases VALUES (1, 'open', NULL, 'a'), (2, 'closed', NULL, 'b');
    INSERT INTO clinic.parts VALUES (1, '2025-05-05', 1), (2, '2026-05-05', 2);
    INSERT INTO "Odd Schema"."Odd Table" SELECT FROM generate_series(1, 7);
    SELECT lo_from_bytea(0, 'x');`);
  await host.query('CREATE UNIQUE INDEX CONCURRENTLY broken ON clinic.surgical_cases ((1))').catch(() => undefined);
  const folder = await temporaryFolder();
  const backup = await backUp(
    { url: `${host.url}?schema=clinic` },
    { folder, linkTables: ['surgical_cases', 'parts.caseId', 'Odd Schema.Odd Table.id', 'not_there'] },
  );
  expect(Object.keys(backup.proof.checksums).sort()).toEqual(['Odd Schema.Odd Table', 'clinic.parts', 'clinic.surgical_cases']);
  // 7 in the odd table, 2 and 2 in the others, and a large object.
  expect(backup.proof).toMatchObject({ rows: 12 });
  const manifest = await readManifest(backup.file);
  expect(manifest?.inventory).toMatchObject({ notDumped: ['clinic.broken'], sequences: { 'Odd Schema.Odd Table_id_seq': '7' } });
  expect(new Set(Object.keys(backup.objects).map((name) => /^(?:materialized )?\w+/.exec(name)?.[0]))).toEqual(
    new Set([
      'schema',
      'enum',
      'domain',
      'table',
      'view',
      'materialized view',
      'sequence',
      'index',
      'constraint',
      'function',
      'trigger',
      'policy',
      'rule',
      'comment',
      'extension',
    ]),
  );
});

withDump('a role that may not create databases is refused before anything is written, with the remedy', async () => {
  await using host = await createDatabase({ template: 'host' });
  const folder = await temporaryFolder();
  const role = `reader_${process.pid}`;
  await host.query(`CREATE ROLE ${role} LOGIN PASSWORD 'x'; GRANT pg_read_all_data TO ${role}`);
  try {
    const address = { ...parseDatabaseUrl(host.url), user: role, password: 'x' };
    await expect(backUp({ url: toDatabaseUrl(address) }, { folder })).rejects.toMatchObject({
      kind: 'forbidden',
      code: 'SCRATCH_DATABASE_DENIED',
      message: expect.stringMatching(/CREATEDB.*--scratch-url/),
    });
    expect(await filesIn(folder)).toEqual([]);
    // With another user for the proof it has all it needs.
    const backup = await backUp({ url: toDatabaseUrl(address) }, { folder, scratchUrl: host.url });
    expect(backup.proof.rows).toBeGreaterThan(100);
  } finally {
    await host.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  }
});

withDump('a table that may not be read: what pg_dump says is passed on, and no half file stays', async () => {
  await using host = await createDatabase({ template: 'host' });
  const folder = await temporaryFolder();
  const role = `nobody_${process.pid}`;
  await host.query(`CREATE ROLE ${role} LOGIN PASSWORD 'x'`);
  try {
    const address = { ...parseDatabaseUrl(host.url), user: role, password: 'x' };
    const code = await codeOf(backUp({ url: toDatabaseUrl(address) }, { folder, scratchUrl: host.url }));
    expect(['BACKUP_PRIVILEGE_MISSING', 'DATABASE_PRIVILEGE_MISSING']).toContain(code);
    expect(await filesIn(folder)).toEqual([]);
  } finally {
    await host.query(`DROP ROLE ${role}`);
  }
});

withDump.each([
  ['ends with an error after half of it', 'head -c 20000; echo "pg_dump: error: something else" >&2; exit 1', 'BACKUP_TOOL_FAILED'],
  ['is killed', 'head -c 20000; kill -9 $$', 'BACKUP_TOOL_FAILED'],
  ['ends with 0 after half of it', 'head -c 20000; exit 0', 'BACKUP_NOT_RESTORABLE'],
  ['writes nothing and ends with 0', 'cat >/dev/null', 'BACKUP_FORMAT_UNKNOWN'],
])('a pg_dump that %s leaves nothing that is called a backup', async (_title, half, code) => {
  await using host = await createDatabase({ template: 'host' });
  const folder = await temporaryFolder();
  const broken = await script(
    folder,
    'broken',
    `case "$*" in *--version*) exec ${pgDump} --version;; esac\n${pgDump} "$@" 2>/dev/null | (${half}) || { s=$?; [ $s -gt 128 ] && kill -9 $$; exit $s; }`,
  );
  expect(await codeOf(backUp(host, { folder, pgDump: broken, pgRestore }))).toBe(code);
  expect(await filesIn(folder)).toEqual([]);
  expect(await scratchDatabases(host)).toEqual([]);
});

withDump.each([
  ["a table's rows", '--exclude-table-data=bills', /table public\.bills has 0 rows instead of/],
  ['a table', '--exclude-table=bills', /table public\.bills is missing/],
  ['a schema', '--exclude-schema=onechart_odd', /schema onechart_odd is missing/],
  ['large objects', '--no-blobs', /there are 0 large objects instead of 1/],
  ['how far a sequence went', '--exclude-table-data=numbers_id_seq', /sequence public\.numbers_id_seq is behind: never used instead of 3/],
  ['comments', '--no-comments', /comment .* is missing/],
])('a pg_dump that leaves out %s is found by the comparison', async (_what, option, says) => {
  await using host = await createDatabase({ template: 'host' });
  await host.query(`CREATE SCHEMA onechart_odd; CREATE TABLE numbers (id serial); INSERT INTO numbers SELECT FROM generate_series(1, 3);
    COMMENT ON TABLE numbers IS 'counted'; SELECT lo_from_bytea(0, 'x');`);
  const folder = await temporaryFolder();
  const partial = await script(folder, 'pg_dump', `exec ${pgDump} "$@" ${option}`);
  await expect(backUp(host, { folder, pgDump: partial, pgRestore })).rejects.toMatchObject({ code: 'BACKUP_DIFFERS', message: expect.stringMatching(says) });
  expect(await filesIn(folder)).toEqual([]);
});

withDump('pg_restore 17 and newer on an older server: its one known error is passed over, a second one is not', async () => {
  await using host = await createDatabase({ template: 'host' });
  const folder = await temporaryFolder();
  const known = 'pg_restore: error: could not execute query: ERROR:  unrecognized configuration parameter "transaction_timeout"';
  const newer = (errors: string) =>
    script(
      folder,
      'newer',
      `case "$*" in *--version*) echo 'pg_restore (PostgreSQL) 99.1'; exit;; esac\n${pgRestore} "$@" && printf '%s\\nCommand was: SET transaction_timeout = 0;\\npg_restore: warning: errors ignored on restore: %s\\n' ${errors} >&2; exit 1`,
    );
  const once = backUp(host, { folder, pgRestore: await newer(`'${known}' 1`) });
  // The parameter came with 17: from there on the error is none that is known.
  if ((await testServer()).version < 17) expect((await once).proof.rows).toBeGreaterThan(100);
  else expect(await codeOf(once)).toBe('BACKUP_NOT_RESTORABLE');
  expect(await codeOf(backUp(host, { folder, pgRestore: await newer(`'${known}' 2`) }))).toBe('BACKUP_NOT_RESTORABLE');
});

test('clients older than the server, no client, a command that is none: refused with the remedy', async () => {
  await using host = await createDatabase({ template: 'host' });
  const folder = await temporaryFolder();
  const old = await script(folder, 'old', `echo 'pg_dump (PostgreSQL) 9.6.1'`);
  await expect(backUp(host, { folder, pgDump: old })).rejects.toMatchObject({
    kind: 'unsafe',
    code: 'BACKUP_TOOL_OLDER',
    message: expect.stringMatching(/9\.6\.1 is older than the server .*postgresql-client-\d+.*--pg-dump/),
  });
  expect(await codeOf(backUp(host, { folder, pgDump: '/nowhere/pg_dump' }))).toBe('BACKUP_TOOL_FAILED');
  expect(await codeOf(backUp(host, { folder, pgDump: 'echo pg_dump' }))).toBe('BACKUP_TOOL_FAILED');
  expect(await codeOf(backUp(host, { folder, pgDump: `pg_dump 'x` }))).toBe('BACKUP_COMMAND_INVALID');
  expect(await codeOf(backUp(host, { folder, pgDump: ' ' }))).toBe('BACKUP_COMMAND_INVALID');
});

test.skipIf(reason === undefined)('the real clients of this machine are older than this server: said with what is there', async () => {
  await using host = await createDatabase({ template: 'host' });
  await expect(backUp(host, { folder: await temporaryFolder() })).rejects.toMatchObject({ code: expect.stringMatching(/^BACKUP_TOOL_(?:OLDER|MISSING)$/) });
});
