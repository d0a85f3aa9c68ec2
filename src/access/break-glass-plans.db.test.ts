import pg from 'pg';
import { expect, test, vi } from 'vitest';
import { createDatabase, type TestDatabase } from '../../test/support/database.ts';
import { systemClock } from '../base/clock.ts';
import { newId } from '../base/ids.ts';
import { kyselyOnPool } from '../db/connect.ts';
import type { Ctx } from '../db/context.ts';
import { createMrnIssuer } from '../identifier/mrn.service.ts';
import { bindPatientRepository } from '../patient/patient-repository.ts';
import { breakGlass, listGrantTrail, listGrants } from './break-glass.service.ts';

interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** The statements that work sends, in order. */
async function statementsOf(work: () => Promise<unknown>): Promise<Statement[]> {
  const sent = vi.spyOn(pg.Client.prototype, 'query');
  try {
    await work();
    return sent.mock.calls.flatMap(([first]) => {
      const statement: unknown = first;
      return typeof statement === 'object' && statement !== null && 'text' in statement && 'values' in statement ? [statement as Statement] : [];
    });
  } finally {
    sent.mockRestore();
  }
}

async function planOf(database: TestDatabase, statement: Statement): Promise<string> {
  const [row] = await database.query<{ 'QUERY PLAN': unknown }>(`EXPLAIN (FORMAT JSON) ${statement.text}`, statement.values);
  return JSON.stringify(row?.['QUERY PLAN']);
}

test('what restricted charts ask of the database is read by indexes, also among many charts and grants', async () => {
  await using database = await createDatabase({ template: 'migrated' });
  await database.query(
    `INSERT INTO patients (mrn, "firstName", "lastName", "dateOfBirth", phone, restricted, "restrictedReason", "restrictedAt")
     SELECT 'T-' || n, 'First' || n % 97, 'Last' || n % 1999, date '1940-01-01' + n % 20000, '+2547' || lpad(n::text, 8, '0'), n % 100 = 0, CASE WHEN n % 100 = 0 THEN 'staff' END, CASE WHEN n % 100 = 0 THEN now() END
     FROM generate_series(1, 20000) n`,
  );
  await database.query(
    `INSERT INTO patient_break_glass_grants ("patientId", "viewerId", "viewerRole", reason, "grantedAt", "expiresAt", "reviewedAt", "reviewerId", verdict)
     SELECT p.id, 'viewer-' || n, 'DOCTOR', 'A reason of some words', now() - n * interval '1 minute', now() - n * interval '1 minute' + interval '1 hour',
       CASE WHEN n < 100 THEN now() END, CASE WHEN n < 100 THEN 'officer' END, CASE WHEN n < 100 THEN 'JUSTIFIED' END
     FROM patients p CROSS JOIN generate_series(1, 100) n WHERE p.restricted`,
  );
  await database.query('ANALYZE');
  const [chart] = await database.query<{ id: string; lastName: string; phone: string }>(
    `SELECT id, "lastName", phone FROM patients WHERE restricted AND "lastName" LIKE 'Last____' LIMIT 1`,
  );
  if (!chart) throw new Error('No restricted chart was made.');
  const pool = database.pool();
  const contextOf = (role: string): Ctx => ({
    db: kyselyOnPool(pool),
    pool,
    actor: { kind: 'account', id: role, name: role },
    clock: systemClock,
    newId,
    viewer: { role, id: role },
  });
  const mrns = createMrnIssuer({ format: { timeZone: 'UTC' } });
  const doctor = bindPatientRepository(contextOf('DOCTOR'), { timeZone: 'UTC', mrns });
  const grant = await breakGlass(contextOf('DOCTOR'), chart.id, { input: { reason: 'Brought in unconscious by ambulance' } });

  const officer = contextOf('AUDITOR');
  const expected: [string, () => Promise<unknown>, RegExp, RegExp][] = [
    ['opening', () => doctor.findById(chart.id), /bool_or/, /patient_break_glass_grants_patientId_viewerId_expiresAt_idx/],
    ['search by name', () => doctor.search({ lastName: chart.lastName }), /"restricted" = .*"lastName" in/, /patients_lastName_firstName_idx/],
    ['search by phone', () => doctor.search({ phone: chart.phone }), /"restricted" = .*"phone"/, /patients_phone_idx/],
    ['waiting reviews', () => listGrants(officer, { unreviewed: true }), /"reviewedAt" is null/, /patient_break_glass_grants_reviewedAt_grantedAt_id_idx/],
    ['all grants', () => listGrants(officer, {}), /from "patient_break_glass_grants" order by/, /patient_break_glass_grants_grantedAt_id_idx/],
    ['grants of a chart', () => listGrants(officer, { patientId: chart.id }), /"patientId" = /, /patient_break_glass_grants_patientId_viewerId_expiresAt_idx/],
    ['trail of a grant', () => listGrantTrail(officer, grant.id), /->> 'grantId'/, /patients_mergedInto_idx/],
  ];
  for (const [what, work, statement, index] of expected) {
    const matching = (await statementsOf(work)).filter(({ text }) => statement.test(text.replaceAll(/\s+/g, ' ')));
    expect(matching.length, what).toBeGreaterThan(0);
    for (const each of matching) {
      const plan = await planOf(database, each);
      expect(plan, what).toMatch(index);
      expect(plan, what).not.toMatch(/"Node Type":"Seq Scan"[^}]*"Relation Name":"patients"/);
    }
  }
});
