import type { Rule } from '../rule.ts';
import { listName } from '../syntax-node.ts';

/** Enums and domains. */
export const enumAndDomainRules: readonly Rule[] = [
  {
    id: 'enum-value-without-place',
    title: 'ALTER TYPE … ADD VALUE without BEFORE or AFTER',
    why: 'The value goes to the end, and ORDER BY follows that order. It cannot be moved later.',
    rewrite: 'Say BEFORE or AFTER which value, when the order means something.',
    severity: 'note',
    squawk: ['require-enum-value-ordering'],
    *check({ kind, node }) {
      if (kind === 'AlterEnumStmt' && node.oldVal === undefined && node.newValNeighbor === undefined)
        yield { message: `'${node.newVal}' becomes the last value of ${listName(node.typeName)}.` };
    },
  },
  {
    id: 'enum-value-renamed',
    title: 'Renamed enum value',
    why: 'The program version that still runs reads a value it does not know, and writes one that is gone.',
    rewrite: 'Keep the value and rename it in the Prisma schema alone with @map.',
    severity: 'error',
    *check({ kind, node }, { isLive }) {
      if (kind === 'AlterEnumStmt' && node.oldVal !== undefined && isLive(listName(node.typeName)))
        yield { message: `'${node.oldVal}' of ${listName(node.typeName)} is '${node.newVal}' from now on.` };
    },
  },
  {
    id: 'domain-with-constraint',
    title: 'Domain with a constraint',
    why: 'The constraint cannot be made stricter later without reading every table that uses the domain, and a column of the domain cannot be added without writing the table anew.',
    rewrite: 'A domain without constraint and checks on the columns, or the bare type.',
    severity: 'note',
    squawk: ['ban-create-domain-with-constraint'],
    *check({ kind, node }) {
      if (
        kind === 'CreateDomainStmt' &&
        (node.constraints ?? []).some((each: { Constraint?: { contype: string } }) =>
          ['CONSTR_CHECK', 'CONSTR_NOTNULL'].includes(each.Constraint?.contype ?? ''),
        )
      )
        yield { message: `${listName(node.domainname)} carries its constraint into every table that uses it.` };
    },
  },
  {
    id: 'domain-constraint-reads-tables',
    title: 'ALTER DOMAIN … ADD CONSTRAINT',
    why: 'Every table with a column of the domain is read under SHARE lock, so that no write to any of them gets through.',
    rewrite: 'ADD CONSTRAINT … NOT VALID, then ALTER DOMAIN … VALIDATE CONSTRAINT in the next migration.',
    severity: 'warning',
    squawk: ['ban-alter-domain-with-add-constraint'],
    *check({ kind, node, statement }, { isLive }) {
      if (kind !== 'AlterDomainStmt' || node.subtype !== 'C' || !isLive(listName(node.typeName))) return;
      const valid = node.def?.Constraint?.skip_validation !== true;
      const name = node.def?.Constraint?.conname as string | undefined;
      yield {
        message: `Every table that uses ${listName(node.typeName)} is ${valid ? 'read while writes to it wait' : 'bound by it from now on'}.`,
        severity: valid ? 'warning' : 'note',
        rewrite: valid
          ? `${statement.text} NOT VALID;\n-- in a migration of its own, after that one:\nALTER DOMAIN ${listName(node.typeName)} VALIDATE CONSTRAINT ${name ?? '<its name>'};`
          : undefined,
      };
    },
  },
];
