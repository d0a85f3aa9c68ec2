import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../../test/support/database.ts';
import { kyselyOnClient, kyselyOnPool } from '../db/connect.ts';
import type { Db } from '../db/context.ts';
import { changeMrnFormat, createMrnIssuer, getMrnFormats, type MrnContext, type MrnIssuer, reportMrns } from './mrn.service.ts';

const at = new Date('2026-06-01T12:00:00Z');
let database: TestDatabase;
let db: Db;
let ctx: MrnContext & { pool: pg.Pool };
let issuer: MrnIssuer;

beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  db = kyselyOnPool(database.pool());
  ctx = { db, pool: database.pool() };
});
afterAll(async () => {
  await issuer.close();
  await database.drop();
});
beforeEach(async () => {
  await issuer?.close();
  await database.query('TRUNCATE patients, mrn_returned_ranges, mrn_blocks, mrn_counters, mrn_formats, mrn_authorities CASCADE');
  issuer = createMrnIssuer();
});

const patient = (mrn: string) => database.query(`INSERT INTO patients (mrn, "lastName") VALUES ($1, 'Synthetic') RETURNING id`, [mrn]);
const issue = async (from = issuer, context: MrnContext = ctx, instant = at) => (await from.issueMrn(context, instant)).mrn;
async function register(from = issuer, instant = at): Promise<string> {
  const mrn = await issue(from, ctx, instant);
  await patient(mrn);
  return mrn;
}

test('the first number of a year is 00001, the next 00002, from another process 00003', async () => {
  expect(await register()).toBe('MRN-2026-00001');
  expect(await register()).toBe('MRN-2026-00002');
  const other = createMrnIssuer();
  expect(await register(other)).toBe('MRN-2026-00003');
  await other.close();
  expect(await reportMrns(db)).toMatchObject({
    counter: 3,
    inUse: 3,
    returned: 0,
    burnt: 0,
    reserved: 0,
    unexplained: 0,
    first: 'MRN-2026-00001',
    last: 'MRN-2026-00003',
  });
});

test('at once for many callers, without two alike, on a pool whose connections they all hold', async () => {
  const clients = await Promise.all(Array.from({ length: 10 }, () => ctx.pool.connect()));
  const mrns = await Promise.all(Array.from({ length: 500 }, () => issue()));
  for (const client of clients) client.release();
  expect(new Set(mrns).size).toBe(500);
  await issuer.close();
  const report = await reportMrns(db);
  // Numbers handed out and on their way to a COMMIT count as reserved until their lease ends, then as burnt.
  expect(report.reserved + report.burnt).toBe(500);
  expect(report.returned).toBe(report.counter - 500);
});

test('a number that was given back before its registration committed is the next one', async () => {
  const issued = await issuer.issueMrn(ctx, at);
  issued.release();
  issued.release();
  expect(await register()).toBe(issued.mrn);
  expect(await register()).toBe('MRN-2026-00002');
});

test('what a process has left over goes back when it closes, and the next process takes it first', async () => {
  const first = await Promise.all(Array.from({ length: 40 }, () => register()));
  expect(await register()).toBe('MRN-2026-00041');
  expect(await register()).toBe('MRN-2026-00042');
  expect(await register()).toBe('MRN-2026-00043');
  expect(await register()).toBe('MRN-2026-00044');
  const before = await reportMrns(db);
  await issuer.close();
  const after = await reportMrns(db);
  expect(after).toMatchObject({ inUse: first.length + 4, returned: before.reserved, reserved: 0, burnt: 0 });
  const second = createMrnIssuer();
  expect(await register(second)).toBe('MRN-2026-00045');
  await second.close();
});

test('a closed issuer issues nothing', async () => {
  await issuer.close();
  await expect(issue()).rejects.toMatchObject({ kind: 'unavailable', code: 'MRN_ISSUER_CLOSED' });
});

test('inside a transaction of the host, and with nothing else to go by, a roll-back leaves no gap', async () => {
  const client = await ctx.pool.connect();
  try {
    for (const end of ['ROLLBACK', 'COMMIT']) {
      await client.query('BEGIN');
      const mrn = await issue(issuer, { db: kyselyOnClient(client), pool: undefined });
      expect(mrn).toBe('MRN-2026-00001');
      await client.query(`INSERT INTO patients (mrn, "lastName") VALUES ($1, 'Synthetic')`, [mrn]);
      await client.query(end);
    }
  } finally {
    client.release();
  }
  expect(await reportMrns(db)).toMatchObject({ counter: 1, inUse: 1, burnt: 0, unexplained: 0 });
});

test('a lease that runs out is not handed out from; its rest is given back by the process itself', async () => {
  const short = createMrnIssuer({ leaseSeconds: 0.2 });
  const mrns = await Promise.all(Array.from({ length: 20 }, () => register(short)));
  for (let more = 0; more < 6; more += 1) mrns.push(await register(short));
  await expect.poll(async () => (await reportMrns(db)).reserved, { interval: 20 }).toBe(0);
  const report = await reportMrns(db);
  expect(report).toMatchObject({ inUse: mrns.length, burnt: 0, unexplained: 0 });
  expect(report.returned).toBeGreaterThan(0);
  expect(await register(short)).toBe(`MRN-2026-000${mrns.length + 1}`);
  await short.close();
});

test('numbers that patients carry already: the counter starts above them', async () => {
  await patient('MRN-2026-00017');
  await patient('MRN-2026-00003');
  await patient('MRN-2025-00900');
  await patient('OLD-4711');
  expect(await register()).toBe('MRN-2026-00018');
  const report = await reportMrns(db);
  expect(report).toMatchObject({ counter: 18, inUse: 3, burnt: 15, unexplained: 0 });
  expect(report.burntRanges.map(({ first, last, reason }) => [first, last, reason])).toEqual([
    [1, 2, 'counter-raised'],
    [4, 16, 'counter-raised'],
  ]);
});

test('a number brought along later moves the counter above itself; one in another form does nothing', async () => {
  await register();
  for (const mrn of ['MRN-2026-00010', 'OLD-4711', 'MRN-2026-00004']) await issuer.recordExistingMrn(ctx, mrn);
  await patient('MRN-2026-00010');
  expect(await register()).toBe('MRN-2026-00011');
  expect(await reportMrns(db)).toMatchObject({ counter: 11, inUse: 3, burnt: 8, unexplained: 0 });
});

test('the year turns at midnight of the facility, and the old rest goes back', async () => {
  await changeMrnFormat(db, { format: { timeZone: 'Africa/Nairobi' } });
  await Promise.all(Array.from({ length: 20 }, () => register()));
  for (let more = 0; more < 5; more += 1) await register();
  const rest = (await reportMrns(db, { year: 2026 })).reserved;
  expect(rest).toBeGreaterThan(0);
  expect(await register(issuer, new Date('2026-12-31T20:59:59.999Z'))).toBe('MRN-2026-00026');
  expect(await register(issuer, new Date('2026-12-31T21:00:00.000Z'))).toBe('MRN-2027-00001');
  await expect.poll(async () => (await reportMrns(db, { year: 2026 })).returned, { interval: 20 }).toBe(rest - 1);
  expect(await reportMrns(db)).toMatchObject({ year: 2027, counter: 1, inUse: 1 });
});

test('after 99,999 the number grows wider', async () => {
  await issuer.recordExistingMrn(ctx, 'MRN-2026-99998');
  expect([await register(), await register(), await register()]).toEqual(['MRN-2026-99999', 'MRN-2026-100000', 'MRN-2026-100001']);
});

test('a chart that was merged away keeps its number: retired, not burnt', async () => {
  await register();
  await register();
  await database.query(
    `UPDATE patients s SET status = 'ARCHIVED', archived = true, "archivedAt" = now(), "mergedInto" = t.id, "mergedAt" = now() FROM patients t WHERE s.mrn = 'MRN-2026-00001' AND t.mrn = 'MRN-2026-00002'`,
  );
  expect(await reportMrns(db)).toMatchObject({ counter: 2, inUse: 1, retired: 1, burnt: 0 });
});

test('a hand in the tables shows as unexplained', async () => {
  await register();
  await database.query('UPDATE mrn_counters SET "lastNumber" = 5');
  expect(await reportMrns(db)).toMatchObject({ counter: 5, inUse: 1, unexplained: 4, unexplainedRanges: [{ first: 2, last: 5 }] });
});

test('a new format counts for the numbers to come, in running processes also, and the report knows both', async () => {
  expect(await register()).toBe('MRN-2026-00001');
  await changeMrnFormat(db, { format: { prefix: 'HN', width: 7 } });
  expect(await register()).toBe('HN-2026-0000002');
  expect(await reportMrns(db)).toMatchObject({ counter: 2, inUse: 2, burnt: 0 });
  expect((await getMrnFormats(db)).map((format) => format.prefix)).toEqual(['HN', 'MRN']);
});

test('a format whose numbers could be read as others that exist is refused', async () => {
  await register();
  await expect(changeMrnFormat(db, { format: { checkDigit: 'verhoeff' } })).rejects.toMatchObject({ kind: 'rule', code: 'MRN_FORMAT_CONFUSABLE' });
  await expect(changeMrnFormat(db, { format: { timeZone: 'Mars/Olympus' } })).rejects.toMatchObject({ kind: 'invalid', details: { field: 'timeZone' } });
  expect(await getMrnFormats(db)).toHaveLength(1);
});

test('no lease takes a returned range that another has taken, many processes at once', async () => {
  const first = createMrnIssuer({ maxBlock: 256 });
  await Promise.all(Array.from({ length: 200 }, () => issue(first)));
  for (let more = 0; more < 6; more += 1) await issue(first);
  await first.close();
  const issuers = Array.from({ length: 8 }, () => createMrnIssuer());
  const mrns = (await Promise.all(issuers.flatMap((each) => Array.from({ length: 10 }, () => register(each))))).concat(
    await Promise.all(issuers.map((each) => register(each))),
  );
  expect(new Set(mrns).size).toBe(88);
  await Promise.all(issuers.map((each) => each.close()));
  const report = await reportMrns(db);
  expect(report).toMatchObject({ inUse: 88, unexplained: 0 });
  expect(report.reserved + report.burnt).toBe(206);
});

test('the counter held by a foreign transaction is an error that says so, not an endless wait', async () => {
  await issuer.close();
  issuer = createMrnIssuer({ lockWaitMs: 100 });
  await register();
  const client = await ctx.pool.connect();
  await client.query('BEGIN');
  await client.query('SELECT FROM mrn_counters FOR UPDATE');
  try {
    await expect(issue()).rejects.toMatchObject({ kind: 'busy', code: 'MRN_COUNTER_BUSY' });
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
  expect(await register()).toBe('MRN-2026-00002');
});

test('without a server the error says that', async () => {
  const nowhere = new pg.Pool({ host: '127.0.0.1', port: 1, user: 'nobody', database: 'nothing' });
  await expect(issue(createMrnIssuer(), { db: kyselyOnPool(nowhere), pool: nowhere })).rejects.toMatchObject({ kind: 'unavailable' });
  await nowhere.end();
});
