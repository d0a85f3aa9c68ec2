import { errorFromMilliseconds, ruleFamilies, warningFromMilliseconds } from '../../src/migrate/lint/index.ts';
import { squawkDifferences } from '../../test/corpus/squawk-differences.ts';

/** docs/lint-rules.md, from the rules themselves and from the table of differences that the test against squawk keeps. */
export function renderLintRules(): string {
  const rules = ruleFamilies.flatMap((family) => family.rules);
  return [
    '# Lint rules',
    '',
    'Generated from the rules by `npm run docs`. `onechart migrate lint [dir]` looks for them in any folder of Prisma migrations, in a folder of `.sql` files or in one file; it needs no database.',
    '',
    '- **error**: it fails, loses data, or stops readers or writers for as long as a table is big. `lint` exits 3.',
    '- **warning**: dangerous in some circumstances, or it breaks the program version that still runs.',
    '- **note**: a matter of habit. Shown with `--notes`.',
    '',
    'A table that the same file makes is not live: nobody can wait for it. A table of an earlier migration is, and so is one that the folder does not make.',
    'With `--database-url` (or `--live`, which takes `DATABASE_URL` or `PGHOST`) only pending migrations are linted, and what holds up others is weighed by the table as it is:',
    `an expected stall of less than ${warningFromMilliseconds} ms is a note, less than ${errorFromMilliseconds} ms a warning, anything longer an error. Without one of these options lint connects to nothing.`,
    '',
    'To waive a finding, with a reason that the next reader needs:',
    '',
    '```sql',
    '-- onechart:ignore table-dropped nobody has read it since version 3; dumped on 3 March',
    'DROP TABLE "old_notes";',
    '',
    '-- onechart:ignore-file lock-timeout-missing runs while the practice is closed',
    '```',
    '',
    'An ignore counts for the next statement (a comment inside a statement: for that one). Without a reason it does not count and is itself a finding.',
    '',
    ...ruleFamilies.flatMap(({ title, rules: family }) => [
      `## ${title}`,
      '',
      ...family.flatMap((rule) => [
        `### ${rule.id}`,
        '',
        `${rule.title}. **${capital(rule.severity)}**${rule.optIn ? ', only with `--include`' : ''}.`,
        '',
        rule.why,
        '',
        `Instead: ${rule.rewrite}`,
        '',
        ...(rule.avoidedByApply ? ['`onechart migrate apply` takes the statement another way, so that this does not arise there.', ''] : []),
        ...(rule.squawk ? [`In squawk: ${rule.squawk.map((id) => `\`${id}\``).join(', ')}.`, ''] : []),
      ]),
    ]),
    '## Compared with squawk',
    '',
    'Both linters read the migrations in `test/corpus/migrations`; squawk 2.66 with `--pg-version 18` and, for the files that Prisma runs, `--assume-in-transaction`. A test compares the verdicts of each file, rule by rule, and fails on a difference that is not in this table.',
    `Of ${rules.length} rules here ${rules.filter(({ squawk }) => squawk).length} have a counterpart in squawk; all of squawk's have one here.`,
    '',
    '| files | squawk alone | lint alone | why |',
    '|---|---|---|---|',
    ...squawkDifferences.map(
      ({ files, squawkOnly = [], oursOnly = [], reason }) =>
        `| ${files.map((file) => file.replace('.sql', '')).join('<br>')} | ${code(squawkOnly)} | ${code(oursOnly)} | ${reason.replaceAll('|', '\\|')} |`,
    ),
    '',
  ].join('\n');
}

function code(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join('<br>');
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
