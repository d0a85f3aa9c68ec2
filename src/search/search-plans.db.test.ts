import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../../test/support/database.ts';
import { systemClock } from '../base/clock.ts';
import { newId } from '../base/ids.ts';
import { kyselyOnPool } from '../db/connect.ts';
import type { Ctx } from '../db/context.ts';
import { refreshSearchEntry, rebuildSearch } from './entry.service.ts';
import { searchTyped } from './search.service.ts';

// The plans of every statement of search over 20 000 charts, both as they are planned for their values and as a connection keeps them.

const charts = 20_000;

interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

let database: TestDatabase;
let pool: pg.Pool;
let ctx: Ctx;
const statements: Statement[] = [];

beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  // 400 given and 600 family names, by the square of a number so that some are common: at most 1 500 charts share one.
  await database.query(
    `INSERT INTO patients (id, mrn, "firstName", "lastName", "dateOfBirth", phone, email)
     SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'T-2026-' || lpad(n::text, 6, '0'),
       initcap(translate((1000 + (n * 7919 % 20) * (n * 4729 % 20))::text, '0123456789', 'aeioulmnrs')) || 'na',
       initcap(translate((1000 + (n * 6151 % 25) * (n * 3571 % 25))::text, '0123456789', 'kamotilper')) || 'son',
       date '1930-01-01' + (n * 31 % 34000), '+2547' || lpad((n * 997 % 100000000)::text, 8, '0'), 'p' || n || '@example.org'
     FROM generate_series(1, ${charts}) n`,
  );
  await database.query(
    `INSERT INTO patient_names ("patientId", use, "lastName") SELECT id, 'MAIDEN', 'Maiden' || right(mrn, 3) FROM patients WHERE mrn LIKE '%7'`,
  );
  await database.query(
    `INSERT INTO patient_telecoms ("patientId", system, use, value) SELECT id, 'PHONE', 'WORK', '+2541' || right(mrn, 6) FROM patients WHERE mrn LIKE '%3'`,
  );
  await database.query(`INSERT INTO patient_identifiers ("patientId", type, value) SELECT id, 'NI', 'N' || right(mrn, 6) FROM patients WHERE mrn LIKE '%5'`);
  await database.query(
    `INSERT INTO patient_documents ("patientId", "documentType", "documentNumber") SELECT id, 'PASSPORT', 'D' || right(mrn, 6) FROM patients WHERE mrn LIKE '%5'`,
  );
  await database.query(
    `UPDATE patients SET archived = true, status = 'ARCHIVED', "archivedAt" = now(), "mergedAt" = now(), "mergedInto" = '00000000-0000-4000-8000-000000000001' WHERE mrn LIKE '%00' AND mrn <> 'T-2026-000001'`,
  );
  pool = new pg.Pool({ connectionString: database.url, max: 2, allowExitOnIdle: true });
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...given: unknown[]) => unknown;
    client.query = ((...given: unknown[]) => {
      const [first] = given;
      if (typeof first === 'object' && first !== null && 'text' in first && 'values' in first) statements.push(first as Statement);
      return query(...given);
    }) as typeof client.query;
  });
  ctx = { db: kyselyOnPool(pool, { prepares: true }), pool, actor: { kind: 'service' }, clock: systemClock, newId };
  await rebuildSearch(ctx, { batchRows: 2000 });
  // A registry has tens of thousands of words.
  await database.query(
    `INSERT INTO patient_search_words (word, writer, deletes) SELECT word, 0, array(SELECT overlay(word placing '' from at for 1) FROM generate_series(1, 10) at) FROM (SELECT 'w' || substr(md5(n::text), 1, 9) AS word FROM generate_series(1, 20000) n) made ON CONFLICT DO NOTHING`,
  );
  // As autovacuum does it: statistics, and what waited beside the indexes sorted in.
  await database.query('VACUUM ANALYZE');
}, 60_000);
afterAll(async () => {
  await pool.end();
  await database.drop();
});

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly Plans?: readonly PlanNode[];
}

/** `Bitmap Index Scan patient_search_entries_terms_idx`: every way into a table or index, once. */
function waysIn(node: PlanNode): string[] {
  const own = node['Index Name'] ?? (node['Node Type'].includes('Scan') ? node['Relation Name'] : undefined);
  const here = own === undefined || node['Node Type'] === 'Bitmap Heap Scan' ? [] : [`${node['Node Type']} ${own}`];
  return [...new Set([...here, ...(node.Plans ?? []).flatMap(waysIn)])].sort();
}

async function planOf({ text, values }: Statement, mode: 'force_custom_plan' | 'force_generic_plan'): Promise<string[]> {
  const client = new pg.Client(database.url);
  await client.connect();
  try {
    await client.query(`SET plan_cache_mode = ${mode}`);
    await client.query(`PREPARE tried AS ${text}`);
    const literals = values.map((value) => client.escapeLiteral(textOf(value))).map((literal, at) => (values[at] === null ? 'NULL' : literal));
    const { rows } = await client.query(`EXPLAIN (FORMAT JSON) EXECUTE tried (${literals.join(', ')})`);
    return waysIn(rows[0]['QUERY PLAN'][0].Plan as PlanNode);
  } finally {
    await client.end();
  }
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return `{${value.map((each) => (each === null ? 'NULL' : JSON.stringify(String(each)))).join(',')}}`;
  return String(value);
}

/** The statements that this work sends, by their name without the number of its generation. */
async function sent(work: () => Promise<unknown>): Promise<Map<string, Statement>> {
  statements.length = 0;
  await work();
  return new Map(statements.map((each) => [(each as { name?: string }).name?.replace(/^onechart_|_\d+$/g, '') ?? each.text.slice(0, 20), each]));
}

const terms = 'Bitmap Index Scan patient_search_entries_terms_idx';
const chart = 'Index Scan patients_pkey';

const kinds: Readonly<Record<string, string>> = {
  'two names': 'aeson mana',
  'a common name': 'kmaason',
  'beginnings of names': 'kma ea',
  'two letters': 'km',
  'a slip of the hand': 'kmasaon',
  'a date of birth': '3.2.1980',
  'a year': '1980',
  'a name and a date': 'kmaason 1980-02-03',
  'a record number': 'T-2026-000123',
  'the beginning of a record number': 'T-2026-0001',
  'the last four digits of a telephone number': '0997',
  'the last six digits of a telephone number': '000997',
  'a telephone number': '+254700000997',
  'another number': 'N000005',
  'an e-mail address': 'p17@example.org',
  nobody: 'xyzxyz',
};

describe.each(['force_custom_plan', 'force_generic_plan'] as const)('%s', (mode) => {
  test.each(Object.entries(kinds))('%s', async (_kind, q) => {
    const found = await sent(() => searchTyped(ctx, { q, limit: 20 }));
    const search = found.get('search') ?? found.get('search_few');
    if (!search) throw new Error('No search was sent.');
    expect(await planOf(search, mode)).toEqual([terms, chart]);
    const words = found.get('similar_words');
    if (words) expect(await planOf(words, mode)).toEqual(['Bitmap Index Scan patient_search_words_deletes_idx']);
  });

  test('other names and numbers, and where merged charts lead', async () => {
    const parts = (await sent(() => searchTyped(ctx, { q: 'N000005', limit: 20 }))).get('searched_parts');
    const merged = (await sent(() => searchTyped(ctx, { q: 'T-2026-000100', limit: 20 }))).get('search_survivors');
    if (!parts || !merged) throw new Error('Not all statements were sent.');
    expect((await planOf(parts, mode)).filter((way) => way.startsWith('Seq'))).toEqual([]);
    expect((await planOf(merged, mode)).filter((way) => way.startsWith('Seq'))).toEqual([]);
  });

  test('an entry that is written, and those of a rebuild', async () => {
    const one = await sent(() => refreshSearchEntry(ctx, '00000000-0000-4000-8000-000000000007'));
    await database.query(`DELETE FROM patient_search_entries WHERE "patientId" < '00000000-0000-4000-8000-000000000050'`);
    const many = await sent(() => rebuildSearch(ctx));
    const seen: string[] = [];
    for (const [name, statement] of [...one, ...many]) {
      seen.push(name);
      const ways = await planOf(statement, mode);
      expect(
        ways.filter((way) => way.startsWith('Seq')),
        name,
      ).toEqual([]);
    }
    expect(seen.toSorted()).toEqual([
      'chart_to_index',
      'charts_to_index_chosen',
      'charts_without_entry',
      'charts_without_entry_first',
      'search_entries',
      'search_entry',
    ]);
  });
});

test('a missing index is noticed', async () => {
  const search = (await sent(() => searchTyped(ctx, { q: 'aeson mana', limit: 20 }))).get('search');
  await database.query('DROP INDEX "patient_search_entries_terms_idx"');
  expect(search && (await planOf(search, 'force_generic_plan'))).toContain('Seq Scan patient_search_entries');
});
