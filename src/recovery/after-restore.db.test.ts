import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { accessContext } from '../../test/support/access.ts';
import { cloneOf, createDatabase, type TestDatabase } from '../../test/support/database.ts';
import { AppError } from '../base/errors.ts';
import { estimateMargin, readKnownNumbers, reportAllMrns } from '../identifier/mrn-recovery.service.ts';
import { createMrnIssuer } from '../identifier/mrn.service.ts';
import { makeReady } from './after-restore.service.ts';

// What a restored database does not know: the numbers issued after it was saved. A clone stands for the backup.

const savedAt = new Date('2026-03-02T07:00:00Z');
const sha256 = 'a'.repeat(64);
let live: TestDatabase;
let restored: TestDatabase;
beforeEach(async () => {
  live = await createDatabase({ template: 'migrated' });
});
afterEach(async () => {
  await restored?.drop();
  await live.drop();
});

/** Issues numbers one by one, as that many registrations would, and gives the rest back. */
async function issue(database: TestDatabase, many: number, { release = 0 } = {}): Promise<string[]> {
  const { ctx } = accessContext(database);
  const issuer = createMrnIssuer();
  const issued = [];
  for (let number = 0; number < many; number += 1) issued.push(await issuer.issueMrn(ctx, new Date('2026-03-02T08:00:00Z')));
  for (const each of issued.slice(0, release)) each.release();
  await issuer.close();
  return issued.slice(release).map(({ mrn }) => mrn);
}

async function save(): Promise<void> {
  restored = await cloneOf(live);
}

const ready = (from: Partial<Parameters<typeof makeReady>[1]> = {}) => makeReady(accessContext(restored).ctx, { sha256, savedAt, ...from });
const knownOf = (database: TestDatabase) => readKnownNumbers(accessContext(database).ctx.db);

test('with the replaced database at hand counters end above its own, once more after a swap too, and the trail says so', async () => {
  await issue(live, 5);
  await save();
  const lost = await issue(live, 40);
  const first = await ready({ known: await knownOf(live) });
  expect(first.raised).toEqual([
    { authority: 'default', year: 2026, from: 5, to: expect.any(Number), basis: 'replaced database', lastRetired: expect.stringMatching(/^MRN-2026-/) },
  ]);
  const later = await issue(live, 100);
  const second = await ready({ known: await knownOf(live) });
  expect(second.raised[0]?.to).toBeGreaterThan(first.raised[0]?.to ?? 0);
  expect(await ready({ known: await knownOf(live) })).toMatchObject({ before: true, raised: [] });
  const fresh = await issue(restored, 30);
  expect(fresh.filter((mrn) => lost.includes(mrn) || later.includes(mrn))).toEqual([]);
  const rows = await restored.query(`select "after" from patient_audit_events where "action" = 'registry.restored' order by seq`);
  expect(rows.map(({ after }) => after)).toMatchObject([
    { sha256, savedAt: savedAt.toISOString(), counters: [{ from: 5, basis: 'replaced database' }] },
    { sha256, counters: [{ basis: 'replaced database' }] },
  ]);
  // Every number is still accounted for.
  expect((await reportAllMrns(accessContext(restored).ctx.db)).map(({ unexplained }) => unexplained)).toEqual([0]);
});

test('numbers that had been given back, and may have been issued since, are not issued either', async () => {
  await issue(live, 8, { release: 3 });
  await save();
  const returned = await restored.query(`select 1 from mrn_returned_ranges where "takenByBlockId" is null`);
  expect(returned.length).toBeGreaterThan(0);
  const lost = await issue(live, 3);
  const done = await ready({ known: await knownOf(live) });
  expect(done.returnedRetired).toBeGreaterThanOrEqual(3);
  expect((await issue(restored, 6)).filter((mrn) => lost.includes(mrn))).toEqual([]);
  const [report] = await reportAllMrns(accessContext(restored).ctx.db);
  expect(report?.unexplained).toBe(0);
});

test('an authority whose first number was issued after the backup does not begin anew', async () => {
  await save();
  const lost = await issue(live, 3);
  expect((await ready({ known: await knownOf(live) })).raised).toMatchObject([{ authority: 'default', from: 0, basis: 'replaced database' }]);
  expect((await issue(restored, 3)).filter((mrn) => lost.includes(mrn))).toEqual([]);
});

describe('where nothing but the backup is known', () => {
  test('counters are moved by an estimate, and that of a year begun since is opened', async () => {
    await issue(live, 5);
    await save();
    const done = await ready({ savedAt: new Date('2025-12-31T12:00:00Z') });
    expect(done.raised).toMatchObject([
      { year: 2025, from: 0, to: 10_000, basis: 'estimate' },
      { year: 2026, from: 5, to: 10_005, basis: 'estimate' },
    ]);
    expect(await ready()).toMatchObject({ before: true });
    expect((await issue(restored, 1))[0]).toBe('MRN-2026-10006');
  });

  test('an empty database under the live name is no successor: it is not believed', async () => {
    await issue(live, 5);
    await save();
    expect((await ready({ known: { counters: [], formats: [] } })).raised).toMatchObject([{ from: 5, to: 10_005, basis: 'estimate' }]);
  });

  test('a registry that was saved before its first number begins above the estimate', async () => {
    await save();
    await ready();
    expect((await issue(restored, 1))[0]).toBe('MRN-2026-10001');
  });

  test('a number that somebody has seen is the basis; one of nobody here is refused', async () => {
    await issue(live, 5);
    await save();
    await expect(ready({ seen: ['XYZ-1'] })).rejects.toThrow(AppError);
    expect((await ready({ seen: ['MRN-2026-04711'], margin: 100 })).raised).toMatchObject([{ from: 5, to: 4811, basis: 'number seen' }]);
    expect((await issue(restored, 1))[0]).toBe('MRN-2026-04812');
  });

  test('the estimate grows with the busiest day and the age of the backup', () => {
    const now = new Date('2026-03-05T08:00:00Z');
    expect(estimateMargin({ busiestDay: 50, savedAt, now })).toBe(10_000);
    expect(estimateMargin({ busiestDay: 4_000, savedAt, now })).toBe(40_000);
  });
});

test('sessions of before the restore are over', async () => {
  await live.query(`insert into access_accounts ("username", "displayName", "role") values ('somebody', 'Somebody', 'NURSE')`);
  await live.query(
    `insert into access_sessions ("accountId", "tokenHash", "method", "expiresAt") select id, repeat('0', 64), 'PASSWORD', now() + interval '1 day' from access_accounts`,
  );
  await save();
  expect(await ready()).toMatchObject({ sessionsEnded: 1 });
  expect(await restored.query('select 1 from access_sessions where "endedAt" is null')).toEqual([]);
});
