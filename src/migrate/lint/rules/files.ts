import type { Rule } from '../rule.ts';

/** Found while a file is read, so that they have no check of their own; see read-ignores.ts and lint.ts. */
export const fileRules: readonly Rule[] = [
  {
    id: 'syntax-error',
    title: 'Statement that PostgreSQL cannot parse',
    why: 'The migration fails there. Commands of psql (\\set, \\copy) and data behind COPY … FROM stdin belong to psql, not to the server.',
    rewrite: 'SQL as PostgreSQL understands it.',
    severity: 'error',
    squawk: ['syntax-error'],
  },
  {
    id: 'ignore-without-reason',
    title: 'Ignore comment without a reason',
    why: 'Whoever reads the migration next cannot tell whether it was thought about. The ignore does not count.',
    rewrite: '-- onechart:ignore <rule> <reason>',
    severity: 'warning',
  },
  {
    id: 'ignore-unknown-rule',
    title: 'Ignore comment for a rule that does not exist',
    why: 'It ignores nothing; most likely the name is misspelt.',
    rewrite: 'A rule of `onechart migrate lint --rules`.',
    severity: 'warning',
  },
  {
    id: 'ignore-unused',
    title: 'Ignore comment that nothing needs',
    why: 'The finding it was for is gone; the comment would hide the next one.',
    rewrite: 'Remove the comment.',
    severity: 'note',
    squawk: ['unused-ignore'],
  },
];
