import { expect, test } from 'vitest';
import { type LintFinding, lintMigrations, type LintOptions } from './lint.ts';
import { lintRules } from './rules/index.ts';

const cases =
  'CREATE TABLE "cases" ("id" uuid PRIMARY KEY, "day" date, "ownerId" uuid, CONSTRAINT "cases_ownerId_fkey" FOREIGN KEY ("ownerId") REFERENCES "users"("id"));';
const users = 'CREATE TABLE "users" ("id" uuid PRIMARY KEY, "email" varchar(100));';

/** Lints the last file; the ones before it are the history. */
async function lint(files: string | readonly string[], options: LintOptions = {}): Promise<readonly LintFinding[]> {
  const all = typeof files === 'string' ? [files] : files;
  const only = new Set([`${all.length}`]);
  const { findings } = await lintMigrations(
    all.map((sql, index) => ({ file: `${index + 1}.sql`, name: `${index + 1}`, sql })),
    { only, ...options },
  );
  return findings;
}

const of = (findings: readonly LintFinding[], rule: string) => findings.filter((each) => each.rule === rule);

test('the ids of the rules are unique, in kebab case, and each rule says why and what instead', () => {
  expect(new Set(lintRules.map(({ id }) => id)).size).toBe(lintRules.length);
  for (const { id, why, rewrite, title } of lintRules) {
    expect(id).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(why.length, id).toBeGreaterThan(20);
    expect(rewrite.length, id).toBeGreaterThan(5);
    expect(title.length, id).toBeGreaterThan(5);
  }
});

test('a table of the same file is not live, a table of an earlier one is', async () => {
  const index = 'CREATE INDEX "cases_day_idx" ON "cases"("day");';
  expect(of(await lint([users, cases + index]), 'index-blocks-writes')).toEqual([]);
  const [finding] = of(await lint([users, cases, index]), 'index-blocks-writes');
  expect(finding).toMatchObject({ severity: 'error', file: '3.sql', line: 1, column: 1 });
  expect(finding?.rewrite).toContain('CREATE INDEX CONCURRENTLY "cases_day_idx" ON "cases"("day");');
});

test('locks that pile up are told with their tables, from which line to which, the referenced table included', async () => {
  const [finding] = of(
    await lint([
      `${users}${cases}CREATE TABLE "bills" ("id" uuid PRIMARY KEY);`,
      'CREATE TABLE "notes" ("id" uuid, "byId" uuid);\n\nALTER TABLE "notes" ADD CONSTRAINT "a" FOREIGN KEY ("byId") REFERENCES "users"("id");\nALTER TABLE "bills" ADD COLUMN "x" int;\nSELECT 1;\n',
    ]),
    'locks-pile-up',
  );
  expect(finding).toMatchObject({ line: 4, severity: 'warning' });
  expect(finding?.message).toBe(
    'Held together until line 5, the end of the transaction: users (SHARE ROW EXCLUSIVE from line 3), bills (ACCESS EXCLUSIVE from line 4). Reads of those under ACCESS EXCLUSIVE and writes to all of them wait for one another.',
  );
});

test('an unquoted mixed-case name that IF EXISTS skips is an error, with the name as it is', async () => {
  const findings = await lint([users + cases, 'ALTER TABLE cases DROP CONSTRAINT IF EXISTS cases_ownerId_fkey;']);
  const [finding] = of(findings, 'unquoted-mixed-case');
  expect(finding).toMatchObject({ severity: 'error', line: 1, column: 45 });
  expect(finding?.message).toBe(
    'cases_ownerId_fkey without quotes means cases_ownerid_fkey, but the name is "cases_ownerId_fkey"; IF EXISTS skips it without an error.',
  );
  expect(finding?.rewrite).toBe('ALTER TABLE cases DROP CONSTRAINT IF EXISTS "cases_ownerId_fkey";');
  expect(of(await lint('CREATE TABLE t (id UUID DEFAULT GEN_RANDOM_UUID(), Made TIMESTAMPTZ);'), 'unquoted-mixed-case').map(({ message }) => message)).toEqual([
    'Made without quotes means made.',
  ]);
});

test('CONCURRENTLY is refused in a file of several statements and may hang in a file of its own', async () => {
  const index = 'CREATE INDEX CONCURRENTLY "i" ON "cases"("day");';
  const rules = async (sql: string, options?: LintOptions) =>
    (await lint([users + cases, sql], options)).map(({ rule }) => rule).filter((rule) => rule.startsWith('concurrently'));
  expect(await rules(`${index} SELECT 1;`)).toEqual(['concurrently-in-transaction']);
  expect(await rules(index)).toEqual(['concurrently-hangs']);
  expect(await rules(`${index} SELECT 1;`, { runner: 'autocommit' })).toEqual([]);
});

test('a foreign key whose column no index begins with is found, one with an index of a later file is not', async () => {
  expect(of(await lint([users, cases]), 'foreign-key-without-index')[0]).toMatchObject({
    severity: 'warning',
    message: 'No index of cases begins with ownerId.',
  });
  const only = new Set(['2']);
  expect(of(await lint([users, cases, 'CREATE INDEX "i" ON "cases"("ownerId", "day");'], { only }), 'foreign-key-without-index')).toEqual([]);
  expect(of(await lint([users, cases, 'CREATE INDEX "i" ON "cases"("day", "ownerId");'], { only }), 'foreign-key-without-index')).toHaveLength(1);
});

test('an enum value is not to be used in the transaction that adds it', async () => {
  const made = 'CREATE TYPE "S" AS ENUM (\'A\'); CREATE TABLE "t" ("s" "S");';
  const add = 'ALTER TYPE "S" ADD VALUE \'B\';\n';
  const use = 'ALTER TABLE "t" ALTER COLUMN "s" SET DEFAULT \'B\';';
  expect(of(await lint([made, add + use]), 'enum-value-used-in-transaction')[0]).toMatchObject({ line: 2, severity: 'error' });
  expect(of(await lint([made, add, use]), 'enum-value-used-in-transaction')).toEqual([]);
  expect(of(await lint(made + add + use), 'enum-value-used-in-transaction')).toEqual([]);
});

test('a syntax error is a finding with its line, and what stands around it is linted', async () => {
  const findings = await lint('-- é\nSELECT 1;\nSELEC é;\nDROP TABLE "cases";\n');
  expect(findings.map(({ rule, line, column }) => ({ rule, line, column }))).toEqual([
    { rule: 'syntax-error', line: 3, column: 1 },
    { rule: 'table-dropped', line: 4, column: 1 },
    { rule: 'lock-timeout-missing', line: 4, column: 1 },
    { rule: 'statement-timeout-missing', line: 4, column: 1 },
  ]);
  expect((await lint("SELECT 'never ends;")).map(({ rule }) => rule)).toEqual(['syntax-error']);
  expect(await lint('')).toEqual([]);
  expect(await lint('-- only a comment')).toEqual([]);
});

test('a finding stands where the name stands, in characters, behind letters of several bytes', async () => {
  const [finding] = of(await lint([users, '/* Überprüfung */ ALTER TABLE "users" ADD CONSTRAINT "größe" CHECK ("email" <> \'\');']), 'check-blocks-table');
  expect(finding).toMatchObject({ line: 1, column: 43 });
});

test('an ignore comment with a reason waives a rule for the next statement or the file; without a reason it does not', async () => {
  const drop = 'DROP TABLE "cases";';
  const rules = async (sql: string) =>
    (await lint(sql, { exclude: ['lock-timeout-missing', 'statement-timeout-missing'] })).map(({ rule, line }) => `${line} ${rule}`);
  expect(await rules(`-- onechart:ignore table-dropped nobody uses it since version 3\n${drop}`)).toEqual([]);
  expect(await rules(`-- onechart:ignore table-dropped nobody uses it\n${drop}\n${drop}`)).toEqual(['3 table-dropped']);
  expect(await rules(`${drop}\n${drop}\n/* onechart:ignore-file table-dropped the old module goes */`)).toEqual([]);
  expect(await rules(`-- onechart:ignore table-dropped\n${drop}`)).toEqual(['1 ignore-without-reason', '2 table-dropped']);
  expect(await rules(`-- onechart:ignore table-droped because\n${drop}`)).toEqual(['1 ignore-unknown-rule', '2 table-dropped']);
  expect(await rules('-- onechart:ignore table-dropped because\nSELECT 1;')).toEqual(['1 ignore-unused']);
});

test('sizes of live tables raise and lower the severity and say how long others wait', async () => {
  const traffic = (rows: number) => new Map([['cases', { table: 'cases', rows, megabytes: rows / 4000, pages: rows / 32, writesPerSecond: 40 }]]);
  const index = async (rows: number) =>
    of(await lint([users + cases, 'CREATE INDEX "i" ON "cases"("day");'], { traffic: traffic(rows) }), 'index-blocks-writes')[0];
  expect(await index(0)).toMatchObject({ severity: 'note' });
  expect((await index(0))?.message).toBe('Index i is built on cases while writes to it wait. cases is empty.');
  expect(await index(1_000_000)).toMatchObject({ severity: 'warning' });
  expect(await index(3_000_000)).toMatchObject({ severity: 'error' });
  expect((await index(3_000_000))?.message).toBe(
    'Index i is built on cases while writes to it wait. cases holds 3,000,000 rows (750 MB), 40 writes/s: writes stand still for about 1.7 s, about 67 writes queue up.',
  );
});

test('locks that pile up weigh as much as the longest work under them', async () => {
  const pile = async (rows: number) =>
    of(
      await lint([`${users}${cases}`, 'ALTER TABLE "users" ADD COLUMN "x" int; CREATE INDEX "i" ON "cases"("day");'], {
        traffic: new Map([['cases', { table: 'cases', rows, megabytes: rows / 4000, pages: rows / 32, writesPerSecond: 4 }]]),
      }),
      'locks-pile-up',
    )[0];
  expect(await pile(1000)).toMatchObject({ severity: 'note' });
  expect(await pile(5_000_000)).toMatchObject({ severity: 'error', message: expect.stringContaining('writes stand still for about 2.8 s') });
});

test('values of data statements are not shown', async () => {
  const [finding] = of(await lint([users, 'UPDATE "users" SET "email" = \'ada@example.org\';']), 'whole-table-changed');
  expect(finding?.statement).toBe('UPDATE "users" SET "email" = \'…\'');
});

test('an unknown rule in include or exclude is refused', async () => {
  await expect(lint('SELECT 1', { exclude: ['no-such-rule'] })).rejects.toMatchObject({ code: 'LINT_RULE_UNKNOWN', kind: 'invalid' });
});

test('every kind of statement is taken, alone and among others', async () => {
  const statements = [
    'CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f()',
    'DROP EVENT TRIGGER IF EXISTS e CASCADE',
    'CREATE SCHEMA AUTHORIZATION CURRENT_USER',
    'CREATE SCHEMA s CREATE TABLE t (a int REFERENCES u) CREATE INDEX ON t (a)',
    'CREATE TABLE a (LIKE b INCLUDING ALL) INHERITS (c)',
    'CREATE TABLE a OF b (PRIMARY KEY (x))',
    'CREATE TEMP TABLE a ON COMMIT DROP AS SELECT 1',
    'CREATE UNLOGGED TABLE a ()',
    'CREATE FOREIGN TABLE a (b int) SERVER s',
    'ALTER FOREIGN TABLE a ADD COLUMN c int',
    'CREATE VIEW v AS SELECT 1',
    'CREATE RECURSIVE VIEW v (n) AS SELECT 1',
    'CREATE OR REPLACE VIEW v AS SELECT 2',
    'ALTER VIEW v RENAME TO w',
    'ALTER INDEX i SET (fillfactor = 70)',
    'ALTER INDEX i ATTACH PARTITION j',
    'ALTER TABLE ALL IN TABLESPACE a SET TABLESPACE b',
    'ALTER TABLE IF EXISTS ONLY a.b ADD COLUMN IF NOT EXISTS c int, ALTER d SET DEFAULT 1, DROP e CASCADE',
    'ALTER TABLE a ALTER b ADD GENERATED ALWAYS AS IDENTITY',
    'ALTER TABLE a ALTER b DROP EXPRESSION',
    'ALTER TABLE a ALTER CONSTRAINT c DEFERRABLE',
    'ALTER TABLE a ADD FOREIGN KEY (b, c) REFERENCES d',
    'ALTER TABLE a ADD UNIQUE NULLS NOT DISTINCT (b)',
    'ALTER TABLE a ADD CHECK (b > 0) NOT ENFORCED',
    'ALTER TABLE a INHERIT b',
    'ALTER TABLE a OF t',
    'ALTER TABLE a OWNER TO CURRENT_USER',
    'ALTER TABLE a ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY',
    'ALTER TABLE a DETACH PARTITION b FINALIZE',
    'ALTER TABLE a CLUSTER ON i',
    'CREATE INDEX ON a USING gin ((b || c) gin_trgm_ops) WITH (fastupdate = off) WHERE d',
    'DROP INDEX a, s.b, c',
    'DROP OWNED BY CURRENT_USER',
    'DROP FUNCTION f(int), g',
    'DROP AGGREGATE a(*)',
    'DROP OPERATOR +(int, int)',
    'DROP CAST (int AS text)',
    'DROP TYPE IF EXISTS t, u CASCADE',
    'DROP RULE r ON t',
    'DROP MATERIALIZED VIEW IF EXISTS m',
    'CREATE RULE r AS ON INSERT TO t DO INSTEAD NOTHING',
    'CREATE POLICY p ON t USING (true)',
    'ALTER POLICY p ON t RENAME TO q',
    'CREATE TYPE c AS (a int, b text)',
    'CREATE TYPE r AS RANGE (subtype = int4)',
    'CREATE TYPE s',
    'ALTER TYPE c ADD ATTRIBUTE d int CASCADE',
    "ALTER TYPE e ADD VALUE IF NOT EXISTS 'x' BEFORE 'y'",
    'ALTER TYPE e RENAME TO f',
    'CREATE DOMAIN d AS int NOT NULL DEFAULT 1',
    'ALTER DOMAIN d SET NOT NULL',
    'ALTER DOMAIN d VALIDATE CONSTRAINT c',
    'CREATE SEQUENCE s OWNED BY a.b',
    'ALTER SEQUENCE s RESTART',
    'CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END',
    'CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$',
    'DO $x$ BEGIN PERFORM 1; END $x$',
    'CALL p()',
    'CREATE CONSTRAINT TRIGGER c AFTER INSERT ON t DEFERRABLE FOR EACH ROW EXECUTE FUNCTION f()',
    'MERGE INTO a USING b ON a.i = b.i WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (i) VALUES (b.i)',
    'WITH d AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM d ON CONFLICT (i) DO UPDATE SET j = 1',
    'INSERT INTO a DEFAULT VALUES',
    'UPDATE a SET (b, c) = (1, 2), d[1] = 3, d[2] = 4 FROM e',
    'TRUNCATE ONLY a RESTART IDENTITY',
    "COPY a FROM '/tmp/x'",
    'LOCK a, b IN SHARE ROW EXCLUSIVE MODE NOWAIT',
    'VACUUM (FULL, ANALYZE) a (b)',
    'ANALYZE',
    'CLUSTER',
    'REINDEX (VERBOSE) DATABASE d',
    'CHECKPOINT',
    'SAVEPOINT a',
    'ROLLBACK TO SAVEPOINT a',
    "PREPARE TRANSACTION 'x'",
    'START TRANSACTION ISOLATION LEVEL SERIALIZABLE',
    'ROLLBACK',
    'SET TIME ZONE LOCAL',
    'RESET ALL',
    'SHOW lock_timeout',
    'LISTEN a',
    'EXPLAIN ANALYZE DELETE FROM a',
    'GRANT ALL ON ALL TABLES IN SCHEMA s TO PUBLIC',
    'REASSIGN OWNED BY a TO b',
    'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO a',
    'CREATE ROLE a',
    'CREATE DATABASE a',
    "CREATE TABLESPACE a LOCATION '/x'",
    'CREATE PUBLICATION p FOR ALL TABLES',
    'CREATE STATISTICS ON a, b FROM t',
    "SECURITY LABEL ON TABLE a IS 'x'",
    "COMMENT ON CONSTRAINT c ON DOMAIN d IS 'x'",
    'IMPORT FOREIGN SCHEMA s FROM SERVER t INTO u',
    'CREATE TABLE a PARTITION OF b DEFAULT PARTITION BY HASH (c)',
    'CREATE EXTENSION e CASCADE',
    'REFRESH MATERIALIZED VIEW m WITH NO DATA',
  ];
  for (const statement of statements) expect(of(await lint(statement), 'syntax-error'), statement).toEqual([]);
  const { findings, statements: read } = await lintMigrations([{ file: 'all.sql', name: 'all', sql: statements.join(';\n') }]);
  expect(read).toBe(statements.length);
  for (const { line, column } of findings) expect([line >= 1, line <= statements.length, column >= 1]).toEqual([true, true, true]);
});
