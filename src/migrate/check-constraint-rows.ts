import type pg from 'pg';
import type { Assessment, AssessedStatement } from './assess.ts';
import type { Finding } from './check.ts';
import { quoteRelation } from './relation.ts';
import { quote, row, rows } from './sql.ts';

/**
 * Rows in the way of a key, check or unique index that is missing or not valid: found before anything is changed, because half-way
 * it would be too late to change nothing. Keys of link tables to patients are looked at by `checkOrphans`, which names samples.
 *
 * One read of each table concerned. Tables of the module that nobody has written to cost nothing.
 */
export async function checkConstraintRows(client: pg.ClientBase, schema: string, assessment: Assessment): Promise<Finding[]> {
  const statements = assessment.migrations.flatMap((migration) => migration.statements);
  const named = [
    ...new Set(
      statements.flatMap(({ effect }) =>
        effect.kind === 'foreign-key' ? [effect.table, effect.references] : 'table' in effect && effect.table ? [effect.table] : [],
      ),
    ),
  ];
  const there = new Set(
    (
      await rows<{ name: string }>(client, `SELECT name FROM jsonb_to_recordset($1) AS w (name text, quoted text) WHERE to_regclass(quoted) IS NOT NULL`, [
        JSON.stringify(named.map((name) => ({ name, quoted: quoteRelation(name, schema) }))),
      ])
    ).map(({ name }) => name),
  );
  const own = new Set(statements.flatMap(({ effect }) => (effect.kind === 'table' ? [effect.name] : [])));
  const findings: Finding[] = [];
  for (const { effect, text, object } of statements) {
    if (object.state !== 'missing' && object.state !== 'invalid') continue;
    if (effect.kind !== 'foreign-key' && effect.kind !== 'check' && effect.kind !== 'index') continue;
    if (!there.has(effect.table)) continue;
    if (effect.kind === 'foreign-key' && effect.references === 'patients' && !own.has(effect.table)) continue;
    const from = wrongRows(effect, text, there);
    if (from === undefined) continue;
    // A column that is not as it should be is a conflict, which is reported as such.
    const found = await row<{ count: string }>(client, `SELECT count(*) ${from}`).catch(() => undefined);
    if (!found || found.count === '0') continue;
    findings.push({
      level: 'block',
      code: 'ROWS_REFUSED',
      message: `Table "${effect.table}" has ${found.count} ${effect.kind === 'index' ? `values that stand in several rows, which the unique index "${effect.name}"` : `rows that the ${effect.kind === 'check' ? 'check' : 'foreign key'} "${effect.name}"`} refuses. Correct them first; nothing was changed. They are found with: SELECT * ${from};`,
      details: { table: effect.table, name: effect.name, count: Number(found.count) },
    });
  }
  return findings;
}

const identifier = String.raw`(?:"(?:[^"]|"")+"|[a-z_][\w$]*)`;
const plainList = new RegExp(String.raw`^\s*${identifier}(?:\s*,\s*${identifier})*\s*$`);

/** The FROM clause that gives the rows in the way; undefined where the statement is written in a way that is not asked ahead. */
function wrongRows(effect: AssessedStatement['effect'], text: string, there: ReadonlySet<string>): string | undefined {
  if (effect.kind === 'check') {
    const condition = /\bCHECK\s*(\([\s\S]*\))\s*$/i.exec(text)?.[1];
    return condition && `FROM ${quoteRelation(effect.table)} WHERE NOT ${condition}`;
  }
  if (effect.kind === 'foreign-key') {
    const given = effect.columns.map((column) => `t.${quote(column)} IS NOT NULL`).join(' AND ');
    if (!there.has(effect.references)) return `FROM ${quoteRelation(effect.table)} t WHERE ${given}`;
    const target = new RegExp(String.raw`\bREFERENCES\s+${identifier}\s*\(([^)]*)\)`, 'i').exec(text)?.[1];
    if (target === undefined || !plainList.test(target)) return undefined;
    const pairs = target.split(',').map((column, at) => `p.${column.trim()} = t.${quote(effect.columns[at] ?? '')}`);
    return `FROM ${quoteRelation(effect.table)} t WHERE ${given} AND NOT EXISTS (SELECT FROM ${quoteRelation(effect.references)} p WHERE ${pairs.join(' AND ')})`;
  }
  if (effect.kind === 'index') {
    const [, columns, condition] =
      new RegExp(String.raw`^CREATE\s+UNIQUE\s+INDEX\b.*?\bON\s+${identifier}\s*\(([^()]*)\)\s*(?:WHERE\b([\s\S]+))?$`, 'i').exec(text) ?? [];
    if (columns === undefined || !plainList.test(columns)) return undefined;
    const given = columns.split(',').map((column) => `${column.trim()} IS NOT NULL`);
    return `FROM (SELECT ${columns} FROM ${quoteRelation(effect.table)} WHERE ${[...given, ...(condition ? [`(${condition})`] : [])].join(' AND ')} GROUP BY ${columns} HAVING count(*) > 1) AS twice`;
  }
  return undefined;
}
