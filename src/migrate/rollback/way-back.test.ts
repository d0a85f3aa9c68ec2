import { expect, test } from 'vitest';
import { wayBackOf } from './way-back.ts';

const script = 'DO $$ BEGIN NULL; END $$';

test('lines before the statement are its way back, as one script', () => {
  const sql = `-- Grants.\nCREATE TABLE a (id int);\n\n-- Why.\n-- onechart:undo REVOKE ALL ON a FROM x;\n-- onechart:undo   REVOKE ALL ON b FROM x;\n\n-- onechart:done-when true\n${script};\n`;
  expect(wayBackOf(sql, script)).toEqual({ kind: 'sql', sql: 'REVOKE ALL ON a FROM x;\n  REVOKE ALL ON b FROM x' });
});

test('a script may say that none is needed, or say nothing', () => {
  expect(wayBackOf(`SELECT 1;\r\n-- onechart:undo-not-needed It goes with the table.\r\n${script};`, script)).toEqual({
    kind: 'not-needed',
    why: 'It goes with the table.',
  });
  expect(wayBackOf(`-- onechart:undo SELECT 1\nSELECT 2;\n${script};`, script)).toEqual({ kind: 'unknown' });
  expect(wayBackOf('', script)).toEqual({ kind: 'unknown' });
});
