import { expect, test } from 'vitest';
import { splitStatements } from './statements.ts';

test('semicolons in quotes, dollar quotes and comments do not end a statement', () => {
  const script = `-- First; with a remark.
CREATE TABLE "a;b" (note text DEFAULT 'x; ''y''');
/* between; */
DO $body$ BEGIN PERFORM 1; PERFORM ';'; END $body$;
-- only; a remark
`;
  expect(splitStatements(script)).toEqual([
    `-- First; with a remark.\nCREATE TABLE "a;b" (note text DEFAULT 'x; ''y''')`,
    `/* between; */\nDO $body$ BEGIN PERFORM 1; PERFORM ';'; END $body$`,
  ]);
});

test('the last statement needs no semicolon, and nothing is no statement', () => {
  expect(splitStatements('SELECT 1; SELECT 2 - 1')).toEqual(['SELECT 1', 'SELECT 2 - 1']);
  expect(splitStatements(' ;; -- nothing\n;')).toEqual([]);
});
