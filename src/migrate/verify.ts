import type pg from 'pg';
import type { Assessment } from './assess.ts';
import { unenforcedKeys, unguardedSessions } from './check-enforced.ts';
import { quoteRelation } from './relation.ts';
import { isModuleMigration } from './source.ts';
import { inRolledBackTransaction, quote, row, sqlstate } from './sql.ts';

/** One thing verified: by definition, by the runbook's own query, or by trying it out. */
export interface VerifiedItem {
  readonly name: string;
  readonly ok: boolean;
  readonly found: string;
}

export interface Verification {
  readonly ok: boolean;
  /** Whether something is merely not applied yet, as against being wrong. */
  readonly pending: boolean;
  readonly items: readonly VerifiedItem[];
}

/** Verifies every object by definition and validity, the runbook's three queries, and smoke tests that are rolled back. */
export async function verifyAssessment(client: pg.Client, schema: string, assessment: Assessment): Promise<Verification> {
  const items: VerifiedItem[] = [];
  for (const { file, statements, history, edited, compared } of assessment.migrations) {
    if (!compared) {
      const found = `history: applied${edited ? ', edited since' : ''}; what it made is compared by onechart migrate drift`;
      items.push({ name: file.name, ok: true, found });
      continue;
    }
    const wrong = statements.filter(({ object }) => object.state !== 'present');
    const named = wrong.slice(0, 3).map(({ effect, object }) => `${effect.name} ${object.state}`);
    const more = wrong.length > 3 ? ` and ${wrong.length - 3} more` : '';
    items.push({
      name: file.name,
      ok: wrong.length === 0 && history === 'applied' && !edited,
      found: [
        `${statements.length - wrong.length} of ${statements.length} objects as defined and valid`,
        `history: ${edited ? 'edited after it was applied' : history}`,
        ...(wrong.length > 0 ? [`${named.join(', ')}${more}`] : []),
      ].join('; '),
    });
  }
  const complete = items.every(({ ok }) => ok);
  const hasModule = assessment.migrations.some(({ file }) => isModuleMigration(file.name));
  if (hasModule) items.push(...(await runbookQueries(client, schema, expectedKeys(assessment))));
  items.push(...(await enforcedItems(client, schema, assessment)));
  if (hasModule && complete) items.push(...(await smokeTests(client, assessment)));
  const pending =
    assessment.migrations.some(({ history }) => history === 'absent' || history === 'rolled-back') &&
    assessment.migrations.every(({ history, complete: whole, edited }) => !edited && (whole || history !== 'applied'));
  return { ok: items.every(({ ok }) => ok), pending, items };
}

/** How many foreign keys the runbook's query would count by name: 15 of the first migration on a host with five link tables and users. */
function expectedKeys(assessment: Assessment): number {
  return assessment.migrations.flatMap(({ statements }) => statements.filter(({ effect }) => effect.kind === 'foreign-key' && effect.name.includes('patient')))
    .length;
}

/** The three queries of the runbook's step 5, in the given schema. */
async function runbookQueries(client: pg.Client, schema: string, expected: number): Promise<VerifiedItem[]> {
  const { tables, keys, enums } = await row<{ tables: number; keys: number; enums: number }>(
    client,
    `SELECT (SELECT count(*)::int FROM information_schema.tables WHERE table_schema = $1 AND table_name IN ('patients', 'patient_contacts', 'patient_documents', 'patient_allergies', 'patient_risk_flags', 'patient_merge_history')) AS tables,
       (SELECT count(*)::int FROM information_schema.table_constraints WHERE constraint_type = 'FOREIGN KEY' AND constraint_name LIKE '%patient%' AND constraint_schema = $1) AS keys,
       (SELECT count(*)::int FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE typname = 'PatientStatus' AND n.nspname = $1) AS enums`,
    [schema],
  );
  return [
    { name: 'runbook: tables', ok: tables === 6, found: `${tables} of 6` },
    { name: 'runbook: foreign keys', ok: keys >= expected, found: `${keys}, at least ${expected} expected` },
    { name: 'runbook: enum PatientStatus', ok: enums === 1, found: enums === 1 ? 'there' : 'missing' },
  ];
}

/** Whether the triggers that keep the keys are switched on: what no trial can tell on a table without rows. */
async function enforcedItems(client: pg.Client, schema: string, assessment: Assessment): Promise<VerifiedItem[]> {
  const off = await unenforcedKeys(client, schema, assessment);
  const sessions = await unguardedSessions(client);
  const keys = assessment.migrations.flatMap(({ statements }) =>
    statements.filter(({ effect, object }) => effect.kind === 'foreign-key' && object.state !== 'missing'),
  ).length;
  return [
    {
      name: 'keys: their triggers are switched on',
      ok: off.length === 0,
      found: off.length === 0 ? `those of ${keys} keys are` : `switched off: ${off.map(({ table, key }) => `${key} on ${table}`).join(', ')}`,
    },
    {
      name: 'keys: every session keeps them',
      ok: sessions.length === 0,
      found: sessions.length === 0 ? 'nobody has session_replication_role = replica' : `session_replication_role = replica for ${sessions.join(', ')}`,
    },
  ];
}

const lockTimeout = '55P03';

/** Tries the module out; everything is rolled back. */
async function smokeTests(client: pg.Client, assessment: Assessment): Promise<VerifiedItem[]> {
  const links = assessment.migrations.flatMap(({ statements }) => {
    const own = new Set(assessment.migrations.flatMap((each) => each.statements.flatMap(({ effect }) => (effect.kind === 'table' ? [effect.name] : []))));
    return statements.flatMap(({ effect }) =>
      effect.kind === 'foreign-key' && effect.references === 'patients' && !own.has(effect.table)
        ? effect.columns.slice(0, 1).map((column) => ({ table: effect.table, column }))
        : [],
    );
  });
  return inRolledBackTransaction(client, async () => {
    await client.query(`SET LOCAL lock_timeout = '500ms'`);
    const items: VerifiedItem[] = [];
    await client.query('SAVEPOINT trial');
    const written = await client
      .query(`INSERT INTO patients (mrn, "firstName", "lastName", "dateOfBirth") VALUES ('SMOKE-TEST-' || gen_random_uuid(), 'Smoke', 'Test', '1990-01-01')`)
      .then(
        () => 'written',
        (error: unknown) => sqlstate(error) ?? 'failed',
      );
    await client.query('ROLLBACK TO SAVEPOINT trial');
    items.push({
      name: 'trial: a patient can be written',
      ok: written === 'written' || written === lockTimeout,
      found: written === 'written' ? 'written, then rolled back' : written === lockTimeout ? 'not tried, the table is locked' : `refused (SQLSTATE ${written})`,
    });
    for (const { table, column } of links) {
      await client.query('SAVEPOINT trial');
      // A live row is only tried where nobody works on it.
      const state = await client
        .query(
          `UPDATE ${quoteRelation(table)} SET ${quote(column)} = gen_random_uuid() WHERE ctid = (SELECT ctid FROM ${quoteRelation(table)} LIMIT 1 FOR UPDATE SKIP LOCKED)`,
        )
        .then(
          (answer) => (answer.rowCount === 0 ? 'no row to try' : 'accepted'),
          (error: unknown) => sqlstate(error) ?? 'failed',
        );
      await client.query('ROLLBACK TO SAVEPOINT trial');
      items.push({
        name: `trial: ${quoteRelation(table)} refuses an unknown patient`,
        ok: state === '23503' || state === 'no row to try' || state === lockTimeout,
        found:
          state === '23503'
            ? 'refused by its foreign key'
            : state === 'no row to try'
              ? 'no row to try it on'
              : state === lockTimeout
                ? 'not tried, the table is locked'
                : `not refused (${state})`,
      });
    }
    return items;
  });
}
