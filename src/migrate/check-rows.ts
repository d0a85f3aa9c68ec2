import type pg from 'pg';
import { type Assessment, conflictsOf } from './assess.ts';
import type { Finding } from './check.ts';
import { checkConstraintRows } from './check-constraint-rows.ts';
import { checkOrphans } from './orphans/check-orphans.ts';
import type { OrphanAction } from './orphans/index.ts';
import { quoteRelation } from './relation.ts';
import { quote, row } from './sql.ts';

/**
 * What only the tables' rows can tell: orphans, and rows that a pending change would break on.
 *
 * @param orphans what is to become of the orphans of every table (`apply --orphans`); else the decisions written down count
 */
export async function checkContents(client: pg.ClientBase, schema: string, assessment: Assessment, orphans?: OrphanAction): Promise<Finding[]> {
  // What stands under one of our names with another definition stops everything, and its columns need not compare with anything.
  if (conflictsOf(assessment).length > 0) return [];
  return [
    ...(await checkOrphans(client, schema, assessment, orphans)),
    ...(await checkRows(client, schema, assessment)),
    ...(await checkConstraintRows(client, schema, assessment)),
  ];
}

async function checkRows(client: pg.ClientBase, schema: string, assessment: Assessment): Promise<Finding[]> {
  const findings: Finding[] = [];
  const pending = assessment.migrations.flatMap(({ statements }) => statements.filter(({ object }) => object.state === 'missing'));
  const made = new Set(pending.flatMap(({ effect }) => (effect.kind === 'table' ? [effect.name] : [])));
  const exists = async (table: string, condition: string) =>
    (await row<{ yes: boolean }>(client, `SELECT EXISTS (SELECT FROM ${quoteRelation(table, schema)}${condition}) AS yes`)).yes;
  for (const { effect } of pending) {
    if (!('table' in effect) || effect.table === undefined || made.has(effect.table)) continue;
    if (effect.kind === 'column' && effect.required && (await exists(effect.table, '')))
      findings.push({
        level: 'block',
        code: 'COLUMN_NEEDS_DEFAULT',
        message: `Column ${effect.table}.${effect.name} is to be NOT NULL without a default, and the table has rows. Give it a default, or add it as NULL, fill it, and set NOT NULL in a later migration.`,
        details: { table: effect.table, column: effect.name },
      });
    const isNew = pending.some(({ effect: other }) => other.kind === 'column' && other.table === effect.table && other.name === effect.name);
    if (effect.kind === 'column-change' && effect.change === 'set-not-null' && !isNew && (await exists(effect.table, ` WHERE ${quote(effect.name)} IS NULL`)))
      findings.push({
        level: 'block',
        code: 'NULLS_PRESENT',
        message: `Column ${effect.table}.${effect.name} is to be NOT NULL and holds NULLs. Fill them first.`,
        details: { table: effect.table, column: effect.name },
      });
  }
  return findings;
}
