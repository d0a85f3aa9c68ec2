import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Migrations as one finds them in public projects, written for this purpose: each changes the schema of `000_base.sql`. */
export interface CorpusFile {
  readonly name: string;
  readonly path: string;
  readonly sql: string;
  /** `-- runner: autocommit` in its first line: for psql rather than for Prisma. */
  readonly runner: 'prisma' | 'autocommit';
  /** What its `-- finds:` remarks say, as "line rule". */
  readonly expected: readonly string[];
}

export const corpusFolder = join(import.meta.dirname, 'migrations');

export function readCorpus(): CorpusFile[] {
  return readdirSync(corpusFolder)
    .toSorted()
    .map((name) => {
      const path = join(corpusFolder, name);
      const sql = readFileSync(path, 'utf8');
      const expected = sql
        .split('\n')
        .flatMap((line, index) => (/-- finds: (.+)$/.exec(line)?.[1] ?? '').split(', ').flatMap((rule) => (rule === '' ? [] : [`${index + 1} ${rule}`])));
      return { name, path, sql, runner: sql.startsWith('-- runner: autocommit') ? 'autocommit' : 'prisma', expected: expected.toSorted() };
    });
}
