import type { Rule } from '../rule.ts';
import { columnRules } from './columns.ts';
import { constraintRules } from './constraints.ts';
import { dataRules } from './data.ts';
import { dropRules } from './drops.ts';
import { enumAndDomainRules } from './enums-and-domains.ts';
import { fileRules } from './files.ts';
import { indexRules } from './indexes.ts';
import { nameRules } from './names.ts';
import { tableRules } from './tables.ts';
import { timeoutRules } from './timeouts.ts';
import { transactionRules } from './transactions.ts';
import { typeRules } from './types.ts';

/** Every family of rules, in the order of the reference. */
export const ruleFamilies: readonly { readonly title: string; readonly rules: readonly Rule[] }[] = [
  { title: 'Indexes', rules: indexRules },
  { title: 'Constraints', rules: constraintRules },
  { title: 'Columns', rules: columnRules },
  { title: 'Tables and partitions', rules: tableRules },
  { title: 'Transactions and locks', rules: [...transactionRules, ...timeoutRules] },
  { title: 'Things that are dropped', rules: dropRules },
  { title: 'Names', rules: nameRules },
  { title: 'Enums and domains', rules: enumAndDomainRules },
  { title: 'Data', rules: dataRules },
  { title: 'Types', rules: typeRules },
  { title: 'The file itself', rules: fileRules },
];

/** Every rule of the linter, as data: what is looked for, why, and what to write instead. */
export const lintRules: readonly Rule[] = ruleFamilies.flatMap(({ rules }) => rules);
