import { expect, test } from 'vitest';
import { parseMigration } from './statement.ts';

test('statements are cut and classified by what they make, comments and multibyte letters included', async () => {
  const sql = `-- Enum für alle
CREATE TYPE "S" AS ENUM ('Ä', 'B');
-- Serves: ünïcode
CREATE UNIQUE INDEX "t_x_key" ON "t"("x");
ALTER TABLE "t" ADD CONSTRAINT "t_u_fkey" FOREIGN KEY ("u") REFERENCES "users"("id") ON DELETE SET NULL ON UPDATE CASCADE;
ALTER TABLE "t" ADD CONSTRAINT "t_x_check" CHECK ("x" > 0);
COMMENT ON COLUMN "t"."x" IS 'größe';
-- onechart:done-when SELECT true
DO $$ BEGIN NULL; END $$;`;
  const statements = await parseMigration('m', sql);
  expect(statements.map(({ effect }) => effect)).toEqual([
    { kind: 'enum', name: 'S' },
    { kind: 'index', name: 't_x_key', table: 't', columns: ['x'], concurrently: false },
    { kind: 'foreign-key', name: 't_u_fkey', table: 't', columns: ['u'], references: 'users' },
    { kind: 'check', name: 't_x_check', table: 't' },
    { kind: 'comment', name: 't.x', on: 'column', target: 't' },
    { kind: 'opaque', name: expect.stringMatching(/^script [0-9a-f]{8}$/), doneWhen: 'SELECT true' },
  ]);
  expect(statements[1]?.text).toBe('CREATE UNIQUE INDEX "t_x_key" ON "t"("x")');
  expect(statements[4]?.text).toBe(`COMMENT ON COLUMN "t"."x" IS 'größe'`);
});

test.each([
  ['VACUUM "t"', 'MIGRATION_STATEMENT_UNSUPPORTED'],
  ['CREATE DATABASE d', 'MIGRATION_STATEMENT_UNSUPPORTED'],
  ['CREATE TABEL "t" ()', 'MIGRATION_SYNTAX_ERROR'],
])('%s is refused', async (sql, code) => {
  await expect(parseMigration('m', sql)).rejects.toMatchObject({ code });
});

const parse = async (sql: string) => (await parseMigration('m', sql)).map(({ text, effect, hazards }) => ({ text, effect, hazards }));

test('an ALTER TABLE is taken apart where each part can stand alone', async () => {
  const sql = `ALTER TABLE "a, b" ADD COLUMN "x" TEXT DEFAULT 'one, two', ADD COLUMN "y" NUMERIC(10, 2), ALTER COLUMN "z" SET NOT NULL, DROP COLUMN "old"`;
  expect(await parse(sql)).toEqual([
    { text: `ALTER TABLE "a, b" ADD COLUMN "x" TEXT DEFAULT 'one, two'`, effect: { kind: 'column', name: 'x', table: 'a, b' }, hazards: [] },
    { text: `ALTER TABLE "a, b" ADD COLUMN "y" NUMERIC(10, 2)`, effect: { kind: 'column', name: 'y', table: 'a, b' }, hazards: [] },
    {
      text: `ALTER TABLE "a, b" ALTER COLUMN "z" SET NOT NULL`,
      effect: { kind: 'column-change', name: 'z', table: 'a, b', change: 'set-not-null' },
      hazards: [],
    },
    {
      text: `ALTER TABLE "a, b" DROP COLUMN "old"`,
      effect: { kind: 'drop', object: 'column', name: 'old', table: 'a, b' },
      hazards: [{ kind: 'data-loss', on: 'a, b.old' }],
    },
  ]);
});

test('parts that belong together stay together, and their hazards are those of all of them', async () => {
  const [key, ...none] = await parse('ALTER TABLE "t" DROP CONSTRAINT "t_pkey", ADD CONSTRAINT "t_pkey" PRIMARY KEY ("x")');
  expect(none).toEqual([]);
  expect(key?.effect.kind).toBe('opaque');
  expect(key?.hazards).toEqual([
    { kind: 'constraint-loss', on: 't.t_pkey' },
    { kind: 'blocking', on: 't.t_pkey' },
  ]);
  const [renamedEnum] = await parse(
    `BEGIN;\nCREATE TYPE "S_new" AS ENUM ('A');\nALTER TABLE "t" ALTER COLUMN "s" TYPE "S_new" USING ("s"::text::"S_new");\nDROP TYPE "S";\nCOMMIT;`,
  );
  expect(renamedEnum?.text).not.toMatch(/BEGIN|COMMIT/);
  expect(renamedEnum?.hazards.map(({ kind }) => kind)).toEqual(['rewrite', 'constraint-loss']);
});

test.each([
  ['DROP TABLE "t"', [{ kind: 'data-loss', on: 't' }]],
  ['DROP TABLE "t", "u"', [{ kind: 'data-loss', on: 't, u' }]],
  ['TRUNCATE "t"', [{ kind: 'data-loss', on: 't' }]],
  ['DELETE FROM "t"', [{ kind: 'data-loss', on: 't' }]],
  ['UPDATE "t" SET "x" = 1', [{ kind: 'data-change', on: 't' }]],
  ['DROP INDEX "i"', [{ kind: 'index-loss', on: 'i' }]],
  ['ALTER TABLE "t" RENAME COLUMN "a" TO "b"', [{ kind: 'rename', on: 't.a' }]],
  ['ALTER INDEX "a" RENAME TO "b"', []],
  ['ALTER TABLE "t" ADD CHECK ("x" > 0)', [{ kind: 'blocking', on: 't.constraint' }]],
  ['ALTER TABLE "t" ADD COLUMN "u" UUID REFERENCES "users"("id")', [{ kind: 'blocking', on: 't.u' }]],
  ['ALTER TABLE "t" ALTER COLUMN "x" TYPE int USING "x"::int', [{ kind: 'rewrite', on: 't.x' }]],
  ['LOCK TABLE "t"', [{ kind: 'blocking', on: 't' }]],
  ['CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$', []],
  ['INSERT INTO "t" VALUES (1)', []],
  ['REASSIGN OWNED BY a TO b', [{ kind: 'unknown', on: 'ReassignOwned' }]],
])('%s has to be approved as %j', async (sql, hazards) => {
  expect((await parse(sql)).flatMap((each) => each.hazards)).toEqual(hazards);
});

test('a name of another schema stays whole, one of the schema at hand is bare', async () => {
  const effects = async (sql: string) => (await parseMigration('m', sql, 'public')).map(({ effect }) => effect);
  expect(await effects('CREATE TABLE "public"."t" ("id" int)')).toEqual([{ kind: 'table', name: 't' }]);
  expect(await effects('ALTER TABLE "billing"."bills" ADD CONSTRAINT "k" FOREIGN KEY ("p") REFERENCES "patients"("id")')).toEqual([
    { kind: 'foreign-key', name: 'k', table: '"billing"."bills"', columns: ['p'], references: 'patients' },
  ]);
});
