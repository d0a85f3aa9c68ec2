import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { type CorpusFile, readCorpus } from '../../../test/corpus/index.ts';
import { squawkDifferences, squawkRules } from '../../../test/corpus/squawk-differences.ts';
import { findSquawk, runSquawk } from '../../../test/support/squawk.ts';
import { type LintFinding, lintMigrations } from './lint.ts';
import { lintRules } from './rules/index.ts';
import { readScript } from './script.ts';

const corpus = readCorpus();
const base = corpus[0] as CorpusFile;
const squawk = findSquawk();
const optIn = 'table-without-schema';

async function lint({ name, sql, runner }: CorpusFile, include: readonly string[] = []): Promise<readonly LintFinding[]> {
  const file = { file: name, name, sql };
  const files = name === base.name ? [file] : [{ file: base.name, name: base.name, sql: base.sql }, file];
  return (await lintMigrations(files, { only: new Set([name]), runner, include })).findings;
}

test('the corpus has at least forty files and touches every rule that does not need more than one file, an option or a comment', async () => {
  expect(corpus.length).toBeGreaterThanOrEqual(40);
  const found = new Set(corpus.flatMap(({ expected }) => expected.map((each) => each.split(' ')[1])));
  const elsewhere = ['table-without-schema', 'ignore-without-reason', 'ignore-unknown-rule', 'ignore-unused', 'refused-in-transaction', 'schema-dropped'];
  expect(lintRules.map(({ id }) => id).filter((id) => !found.has(id) && !elsewhere.includes(id))).toEqual([]);
});

test.each(corpus)('$name: exactly what its remarks say is found, line by line', async (file) => {
  const found = (await lint(file)).map(({ line, rule }) => `${line} ${rule}`);
  expect(found.toSorted()).toEqual(file.expected);
});

test('every safe rewrite that calls itself SQL is SQL', async () => {
  const rewrites = (await Promise.all(corpus.map((file) => lint(file)))).flat().filter(({ rewriteIsSql }) => rewriteIsSql);
  expect(rewrites.length).toBeGreaterThanOrEqual(45);
  // What only the author can know stands in angle brackets.
  for (const { rewrite, rule, file } of rewrites)
    expect(readScript({ file, name: file, sql: rewrite.replaceAll(/<[^>]+>/g, 'x') }).syntaxErrors, `${file} ${rule}: ${rewrite}`).toEqual([]);
});

test('every rule of squawk has a counterpart', () => {
  const covered = new Set(lintRules.flatMap((rule) => rule.squawk ?? []));
  expect(squawkRules.filter((rule) => !covered.has(rule))).toEqual([]);
});

test.runIf(squawk)('squawk knows every rule that is named as a counterpart', () => {
  const { program } = squawk as NonNullable<typeof squawk>;
  // These two are reported, but cannot be switched.
  const names = [...new Set([...squawkRules, ...lintRules.flatMap((rule) => rule.squawk ?? [])])].filter(
    (name) => !['syntax-error', 'unused-ignore'].includes(name),
  );
  const { stderr } = spawnSync(program, [...names.flatMap((name) => ['--exclude', name]), base.path], { encoding: 'utf8' });
  expect(stderr).not.toContain('invalid rule name');
});

test.runIf(squawk)('squawk gives the same verdict on every file and rule, but for the differences that are explained', async () => {
  const { program } = squawk as NonNullable<typeof squawk>;
  const flags = ['--include', 'require-table-schema'];
  const of = (runner: CorpusFile['runner']) => corpus.filter((file) => file.runner === runner).map(({ path }) => path);
  const theirs = [
    ...runSquawk(program, [...flags, '--assume-in-transaction'], of('prisma')),
    ...runSquawk(program, [...flags, '--no-assume-in-transaction'], of('autocommit')),
  ];
  expect(theirs.length).toBeGreaterThan(100);
  const found: string[] = [];
  for (const file of corpus) {
    const reported = new Set(theirs.filter(({ file: path }) => path.endsWith(file.name)).map(({ rule_name: rule }) => rule));
    const ours = new Set((await lint(file, [optIn])).map(({ rule }) => rule));
    const counterparts = (id: string) => lintRules.find((rule) => rule.id === id)?.squawk ?? [];
    const covered = new Set([...ours].flatMap(counterparts));
    for (const rule of reported) if (!covered.has(rule)) found.push(`${file.name}: squawk alone finds ${rule}`);
    for (const id of ours)
      if (counterparts(id).length > 0 && !counterparts(id).some((rule) => reported.has(rule))) found.push(`${file.name}: ours alone finds ${id}`);
  }
  const explained = squawkDifferences.flatMap(({ files, squawkOnly = [], oursOnly = [] }) =>
    files.flatMap((name) => [
      ...squawkOnly.map((rule) => `${name}: squawk alone finds ${rule}`),
      ...oursOnly.map((rule) => `${name}: ours alone finds ${rule}`),
    ]),
  );
  expect(
    found.filter((each) => !explained.includes(each)),
    'differences without a reason in test/corpus/squawk-differences.ts',
  ).toEqual([]);
  expect(
    explained.filter((each) => !found.includes(each)),
    'reasons for differences that are gone',
  ).toEqual([]);
});
