import type pg from 'pg';
import { quote, row, rows } from '../sql.ts';
import { type LinkColumn, type LinkFacts, qualified } from './link-columns.ts';

/** What `list` says about one link column. */
export interface OrphanCount {
  readonly rows: number;
  readonly ids: number;
  /** Rows whose id is empty or white space; only where ids are text. */
  readonly blankRows: number;
  readonly samples: readonly string[];
}

/** The condition under which a row of the alias `t` is an orphan. */
export function isOrphan({ home, column }: Pick<LinkColumn, 'home' | 'column'>, { patientsThere, blank }: OrphanChoice): string {
  const id = `t.${quote(column)}`;
  const withoutPatient = patientsThere ? ` AND NOT EXISTS (SELECT FROM ${quote(home)}.patients p WHERE p.id = ${id})` : '';
  return `${id} IS NOT NULL${blank === undefined ? '' : ` AND ${id}::text ${blank === 'only' ? '!~' : '~'} '\\S'`}${withoutPatient}`;
}

export interface OrphanChoice {
  /** Without a table of patients every id is an orphan. */
  readonly patientsThere: boolean;
  /** Ids that are empty or white space: only those, or all but those. */
  readonly blank?: 'only' | 'without' | undefined;
}

/** Every orphan id of a column with the number of its rows: grouped first, so that a patient is looked for once per id and not once per row. */
function orphanIds(link: LinkColumn, patientsThere: boolean): string {
  const id = `t.${quote(link.column)}`;
  const grouped = `SELECT ${id} AS id, count(*) AS number FROM ${qualified(link)} t WHERE ${id} IS NOT NULL GROUP BY 1`;
  if (!patientsThere) return grouped;
  return `SELECT g.id, g.number FROM (${grouped}) g WHERE NOT EXISTS (SELECT FROM ${quote(link.home)}.patients p WHERE p.id = g.id)`;
}

/** Counts orphans in one scan of the table. Takes no lock that a writer could wait for. */
export async function countOrphans(
  client: pg.ClientBase,
  link: LinkColumn,
  { patientsThere, textual }: { patientsThere: boolean; textual: boolean },
): Promise<OrphanCount> {
  if (link.state === 'closed') return { rows: 0, ids: 0, blankRows: 0, samples: [] };
  const found = await row<{ rows: string; ids: string; blank: string; samples: string[] | null }>(
    client,
    `WITH orphan AS MATERIALIZED (${orphanIds(link, patientsThere)})
     SELECT coalesce(sum(number), 0) AS rows, count(*) AS ids, ${textual ? `coalesce(sum(number) FILTER (WHERE id::text !~ '\\S'), 0)` : '0'} AS blank,
       (SELECT array_agg(id::text) FROM (SELECT id FROM orphan LIMIT 3) AS few) AS samples
     FROM orphan`,
  );
  return { rows: Number(found.rows), ids: Number(found.ids), blankRows: Number(found.blank), samples: found.samples ?? [] };
}

/** Whether a column has any orphan; stops at the first. */
export async function hasOrphans(client: pg.ClientBase, link: LinkColumn, options: OrphanChoice): Promise<boolean> {
  if (link.state === 'closed') return false;
  const from = qualified(link);
  return (await row<{ yes: boolean }>(client, `SELECT EXISTS (SELECT FROM ${from} t WHERE ${isOrphan(link, options)}) AS yes`)).yes;
}

/** Hands out every orphan id of a column with its number of rows, in portions, from one snapshot. */
export async function eachOrphanId(
  client: pg.ClientBase,
  link: LinkColumn,
  { patientsThere, take }: { patientsThere: boolean; take: (portion: readonly { id: string; rows: number }[]) => Promise<void> },
): Promise<void> {
  if (link.state === 'closed') return;
  await client.query('BEGIN READ ONLY');
  try {
    await client.query(
      `DECLARE orphans NO SCROLL CURSOR FOR SELECT id::text AS id, number::float8 AS rows FROM (${orphanIds(link, patientsThere)}) AS all_of_them ORDER BY 1`,
    );
    for (;;) {
      const portion = await rows<{ id: string; rows: number }>(client, 'FETCH 10000 FROM orphans');
      if (portion.length === 0) return;
      await take(portion);
    }
  } finally {
    await client.query('ROLLBACK').catch(() => undefined);
  }
}

/** Pages of a table now: how far a pass over it goes. */
export async function pagesOf(client: pg.ClientBase, part: LinkFacts['parts'][number]): Promise<number> {
  const { pages } = await row<{ pages: string }>(client, `SELECT pg_relation_size($1::regclass) / current_setting('block_size')::int AS pages`, [
    qualified(part),
  ]);
  return Number(pages);
}

/**
 * What one window of pages holds: places of rows (for changes of the rows) or the distinct ids (for adoption).
 * Reads those pages alone (a TID range scan, PostgreSQL 14 and newer) and locks nothing.
 */
export async function findInWindow(
  client: pg.ClientBase,
  link: LinkColumn,
  options: OrphanChoice & { part: LinkFacts['parts'][number]; from: number; pages: number; what: 'places' | 'ids' },
): Promise<string[]> {
  const { part, from, pages, what } = options;
  const value = what === 'places' ? 't.ctid::text' : `DISTINCT t.${quote(link.column)}::text`;
  const found = await rows<{ value: string }>(
    client,
    `SELECT ${value} AS value FROM ONLY ${qualified(part)} t WHERE t.ctid >= '(${from},0)'::tid AND t.ctid < '(${from + pages},0)'::tid AND ${isOrphan(link, options)}`,
  );
  return found.map(({ value: each }) => each);
}
