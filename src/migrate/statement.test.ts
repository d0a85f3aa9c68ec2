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
    { kind: 'index', name: 't_x_key', table: 't', concurrently: false },
    { kind: 'foreign-key', name: 't_u_fkey', table: 't', columns: ['u'], references: 'users' },
    { kind: 'check', name: 't_x_check', table: 't' },
    { kind: 'comment', name: 't.x', on: 'column', target: 't' },
    { kind: 'opaque', name: expect.stringMatching(/^script [0-9a-f]{8}$/), doneWhen: 'SELECT true' },
  ]);
  expect(statements[1]?.text).toBe('CREATE UNIQUE INDEX "t_x_key" ON "t"("x")');
  expect(statements[4]?.text).toBe(`COMMENT ON COLUMN "t"."x" IS 'größe'`);
});

test.each([
  ['DROP TABLE "patients"', 'MIGRATION_STATEMENT_UNSUPPORTED'],
  ['ALTER TABLE "t" ALTER COLUMN "x" TYPE text', 'MIGRATION_STATEMENT_UNSUPPORTED'],
  ['ALTER TABLE "t" ADD CHECK ("x" > 0)', 'MIGRATION_STATEMENT_UNSUPPORTED'],
  ['CREATE TABLE "other"."t" ("id" int)', 'MIGRATION_STATEMENT_UNSUPPORTED'],
  ['UPDATE "t" SET "x" = 1', 'MIGRATION_STATEMENT_UNSUPPORTED'],
  ['CREATE TABEL "t" ()', 'MIGRATION_SYNTAX_ERROR'],
])('%s is refused', async (sql, code) => {
  await expect(parseMigration('m', sql)).rejects.toMatchObject({ code });
});
