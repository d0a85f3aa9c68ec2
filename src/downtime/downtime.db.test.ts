import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand } from '../../test/support/command-line.ts';
import { createDatabase, type TestDatabase } from '../../test/support/database.ts';
import { wordsOf } from '../../test/support/pdf-words.ts';
import { readSealingKey, readSealVerifier } from '../audit/seal.ts';
import { systemClock } from '../base/clock.ts';
import { newId } from '../base/ids.ts';
import { kyselyOnPool } from '../db/connect.ts';
import type { Ctx } from '../db/context.ts';
import { changeMrnFormat, createMrnIssuer, reportMrns } from '../identifier/mrn.service.ts';
import { type BlockWithNumbers, closeDowntimeBlock, getDowntimeBlock, issueDowntimeBlock } from './block.service.ts';
import { type Reconciliation, reconcileDowntimeBlock } from './reconcile.service.ts';
import { printDowntimeSheets } from './sheets.service.ts';
import { slipTemplate } from './slips.ts';
import { readSheetCode, sheetCode } from './statement.ts';

const pair = generateKeyPairSync('ed25519');
const privatePem = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const publicPem = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const key = readSealingKey(privatePem);
const verifier = readSealVerifier(publicPem);
const mrns = createMrnIssuer();

let database: TestDatabase;
let folder: string;
let ctx: Ctx;

beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  folder = await mkdtemp(join(tmpdir(), 'downtime-'));
  const pool = database.pool();
  ctx = { db: kyselyOnPool(pool), pool, actor: { kind: 'service', name: 'test' }, clock: systemClock, newId, origin: 'test' };
});
afterAll(async () => {
  await mrns.close();
  await database.drop();
  await rm(folder, { recursive: true });
});

const issue = (count: number, desk = 'Desk 1') => issueDowntimeBlock(ctx, { desk, count, validUntil: '2099-12-31' as never }, { key, timeZone: 'UTC' });

/** The template with what a desk wrote into its lines; line 0 is the first sheet. */
function filled(block: BlockWithNumbers, ...lines: Partial<Record<string, string>>[]): string {
  const [head = '', ...rows] = slipTemplate(block).trimEnd().split('\n');
  const names = head.split(',');
  return [head, ...rows.map((row, index) => names.map((name, column) => lines[index]?.[name] ?? row.split(',')[column] ?? '').join(','))].join('\n');
}

const reconcile = (block: BlockWithNumbers, csv: string, dryRun = false): Promise<Reconciliation> =>
  reconcileDowntimeBlock(ctx, block.block.code, { csv, settings: { timeZone: 'UTC', defaultCountry: 'KE', mrns }, dryRun });
const outcomes = ({ lines }: Reconciliation) => lines.map(({ outcome, code }) => (code === undefined ? outcome : `${outcome} ${code}`));
const states = async ({ block }: BlockWithNumbers) => (await getDowntimeBlock(ctx, block.code)).numbers.map(({ state }) => state);

test('a block is leased for good: no registration and no other desk gets one of its numbers', async () => {
  const [one, other, issued] = await Promise.all([
    issue(30),
    issue(20, 'Desk 2'),
    Promise.all(Array.from({ length: 40 }, async () => (await mrns.issueMrn({ db: ctx.db, pool: ctx.pool }, new Date())).mrn)),
  ]);
  const all = [...one.numbers.map(({ mrn }) => mrn), ...other.numbers.map(({ mrn }) => mrn), ...issued];
  expect(new Set(all).size).toBe(90);
  const places = one.numbers.map(({ place }) => place);
  expect(places).toEqual(Array.from({ length: 30 }, (_, index) => index + 1));
  expect((await reportMrns(ctx.db)).unexplained).toBe(0);
  await closeDowntimeBlock(ctx, one.block.code, { rest: 'void', reason: 'test' });
  await closeDowntimeBlock(ctx, other.block.code, { rest: 'void', reason: 'test' });
});

test('what a desk wrote is entered once, each number checked, each person compared with the base', async () => {
  const block = await issue(7);
  const csv = filled(
    block,
    { lastName: 'Example', firstName: 'Amina', dateOfBirth: '1990-02-03', gender: 'f', phone: '0711 000111' },
    { status: 'void', reason: 'coffee' },
    { lastName: 'Sample', firstName: 'John', check: '*' },
    { lastName: 'EXAMPLE', firstName: 'Amína', dateOfBirth: '1990-02-03' },
    { status: 'unused' },
    { lastName: 'Sample', dateOfBirth: 'yesterday' },
  );
  const wanted = ['registered', 'void', 'refused DOWNTIME_CHECK_WRONG', 'duplicate DOWNTIME_DUPLICATE', 'unused', 'refused INPUT_INVALID'];
  expect(outcomes(await reconcile(block, csv, true)).slice(0, 3)).toEqual(wanted.slice(0, 3));
  expect(await states(block)).toEqual(Array.from({ length: 7 }, () => 'OPEN'));
  const first = await reconcile(block, csv);
  expect(outcomes(first)).toEqual(wanted);
  expect(await states(block)).toEqual(['USED', 'VOID', 'OPEN', 'OPEN', 'RETURNED', 'OPEN', 'OPEN']);
  const [chart] = await database.query<{ id: string; phone: string; mrn: string }>(`SELECT id, phone, mrn FROM patients WHERE "firstName" = 'Amina'`);
  expect(chart).toMatchObject({ phone: '+254711000111', mrn: block.numbers[0]?.mrn });
  expect(first.lines[3]?.candidates).toEqual([{ id: chart?.id, reason: 'same name and date of birth' }]);

  // The same file again changes nothing; corrected lines go in.
  expect(outcomes(await reconcile(block, csv)).filter((outcome) => outcome === 'done-before')).toHaveLength(3);
  const corrected = [
    slipTemplate(block).split('\n')[0],
    `3,${block.numbers[2]?.mrn} / ${block.numbers[2]?.checkCharacter},,,,Sample,John,,1980-01-01,,,,,,,,`,
    `4,${block.numbers[3]?.mrn.toLowerCase()},${block.numbers[3]?.checkCharacter},,,Example,Amina,,1990-02-03,,,,,,,${chart?.mrn},`,
    `6,${block.numbers[5]?.mrn},${block.numbers[5]?.checkCharacter},,,Example,Amina,,1990-02-03,,,,,,,,new`,
    `,MRN-1999-99999,,,,Sample,Jane,,1981-01-01,,,,,,,,`,
  ].join('\n');
  expect(outcomes(await reconcile(block, corrected))).toEqual(['registered', 'void', 'registered', 'refused DOWNTIME_NUMBER_FOREIGN']);

  // A number that is not accounted for keeps the block open.
  await expect(closeDowntimeBlock(ctx, block.block.code)).rejects.toMatchObject({ code: 'DOWNTIME_NUMBERS_OPEN', details: { open: 1, sheets: [7] } });
  await expect(closeDowntimeBlock(ctx, block.block.code, { rest: 'missing' })).rejects.toMatchObject({ code: 'DOWNTIME_REASON_MISSING' });
  const closed = await closeDowntimeBlock(ctx, block.block.code, { rest: 'missing', reason: 'not in the tray' });
  expect(closed.block.counts).toEqual({ open: 0, used: 3, void: 2, returned: 1, missing: 1 });
  await expect(reconcile(block, csv).then(outcomes)).resolves.toContain('refused DOWNTIME_BLOCK_CLOSED');
  await expect(closeDowntimeBlock(ctx, block.block.code)).rejects.toMatchObject({ code: 'DOWNTIME_BLOCK_CLOSED' });

  // The gap report explains every number, and the returned one is issued next.
  const report = await reportMrns(ctx.db);
  expect(report.unexplained).toBe(0);
  expect(report.burntRanges.some(({ instance }) => instance === `downtime ${block.block.code}`)).toBe(true);
  expect(report.returned).toBe(1);
  const again = createMrnIssuer();
  expect((await again.issueMrn({ db: ctx.db, pool: ctx.pool }, new Date())).mrn).toBe(block.numbers[4]?.mrn);
  await again.close();

  const trail = await database.query<{ action: string }>(`SELECT action FROM patient_audit_events WHERE after->>'code' = $1 ORDER BY seq`, [block.block.code]);
  expect(new Set(trail.map(({ action }) => action))).toEqual(new Set(['downtime.issued', 'downtime.number-settled', 'downtime.reconciled', 'downtime.closed']));
  const [registered] = await database.query<{ origin: string }>(
    `SELECT origin FROM patient_audit_events WHERE "patientId" = $1 AND action = 'patient.registered'`,
    [chart?.id],
  );
  expect(registered?.origin).toBe(`downtime ${block.block.code}`);
});

test('a table that is none of ours, and a block that nobody issued, are refused in words', async () => {
  const block = await issue(1);
  await expect(reconcile(block, 'a,b\n1,2\n')).rejects.toMatchObject({ code: 'DOWNTIME_FILE_INVALID' });
  await expect(reconcile(block, filled(block, { status: 'perhaps' }))).rejects.toMatchObject({
    code: 'DOWNTIME_FILE_INVALID',
    details: { column: 'status', line: 2 },
  });
  await expect(getDowntimeBlock(ctx, '0000-0000')).rejects.toMatchObject({ code: 'DOWNTIME_BLOCK_NOT_FOUND' });
  await expect(issueDowntimeBlock(ctx, { desk: 'Desk', count: 1, validUntil: '2020-01-01' as never }, { key, timeZone: 'UTC' })).rejects.toMatchObject({
    code: 'DOWNTIME_VALIDITY_OVER',
  });
  await expect(issueDowntimeBlock(ctx, { desk: 'Desk', count: 501, validUntil: '2099-01-01' as never }, { key, timeZone: 'UTC' })).rejects.toMatchObject({
    kind: 'invalid',
  });
  await closeDowntimeBlock(ctx, block.block.code, { rest: 'return' });
});

test('the sheets carry every number and a code that proves itself; a number with a check digit of its own needs no character beside it', async () => {
  const block = await issue(3);
  const [, , third] = block.numbers;
  const pages = wordsOf(await printDowntimeSheets(block, { key, now: new Date('2026-11-23T12:00:00Z') }));
  // A cover, who is here, labels, three forms.
  expect(pages).toHaveLength(6);
  const last = pages.at(-1) ?? '';
  expect(last).toContain(third?.mrn);
  expect(last).toContain(block.block.code);

  const sheet = {
    code: block.block.code,
    desk: 'Desk | 1',
    mrn: third?.mrn ?? '',
    checkCharacter: third?.checkCharacter ?? '',
    validFrom: '2026-11-23',
    validUntil: '2027-01-31',
  };
  const scanned = sheetCode(sheet, key);
  expect(readSheetCode(scanned, [verifier])).toEqual({ ...sheet, genuine: true });
  expect(readSheetCode(scanned.replace('2027-01-31', '2028-01-31'), [verifier]).genuine).toBe(false);
  expect(() => readSheetCode('MRN-2026-00001', [verifier])).toThrow(expect.objectContaining({ code: 'DOWNTIME_SHEET_UNREADABLE' }));
  await closeDowntimeBlock(ctx, block.block.code, { rest: 'return' });

  await changeMrnFormat(ctx.db, { format: { prefix: 'LUHN', checkDigit: 'luhn-mod-10' } });
  const checked = await issue(2);
  expect(checked.numbers.map(({ checkCharacter }) => checkCharacter)).toEqual(['', '']);
  expect(outcomes(await reconcile(checked, filled(checked, { lastName: 'Checked', dateOfBirth: '1970-01-01' })))).toEqual(['registered']);
  await closeDowntimeBlock(ctx, checked.block.code, { rest: 'return' });
});

test('the command line leads from the stack of paper back to a closed block', async () => {
  const path = (name: string) => join(folder, name);
  await writeFile(path('key.pem'), privatePem);
  await writeFile(path('key.pub'), publicPem);
  const downtime = (...args: string[]) =>
    runCommand(['downtime', ...args, '--database-url', database.url], { env: { ONECHART_DOWNTIME_SIGNING_KEY_FILE: path('key.pem') }, cwd: folder });
  const made = await downtime(
    'issue',
    '--desk',
    'Labour ward',
    '--count',
    '2',
    '--valid-until',
    '2099-12-31',
    '--file',
    path('block.json'),
    '--sheets',
    path('kit.pdf'),
    '--json',
  );
  expect(made).toMatchObject({ code: 0, stderr: '' });
  const { block, numbers } = JSON.parse(made.stdout) as BlockWithNumbers;
  expect((await readFile(path('kit.pdf'))).subarray(0, 5).toString()).toBe('%PDF-');

  // Offline: no database is named.
  const verify = (...args: string[]) => runCommand(['downtime', 'verify', '--public-key', path('key.pub'), ...args]);
  expect(await verify(path('block.json'))).toMatchObject({ code: 0, stdout: expect.stringContaining('genuine: block') as string });
  await writeFile(path('forged.json'), (await readFile(path('block.json'), 'utf8')).replace('Labour', 'Other'));
  expect(await verify(path('forged.json'))).toMatchObject({ code: 4, stdout: expect.stringContaining('NOT GENUINE') as string });
  expect((await verify(path('key.pem'))).stderr).toContain('DOWNTIME_FILE_INVALID');

  expect(await downtime('template', block.code, '--output', path('slips.csv'))).toMatchObject({ code: 0 });
  const lines = (await readFile(path('slips.csv'), 'utf8')).trimEnd().split('\n');
  await writeFile(path('slips.csv'), [lines[0], `1,${numbers[0]?.mrn},${numbers[0]?.checkCharacter},,,Ward,Child,,2026-01-01,F,,,,,,,`, lines[2]].join('\n'));
  expect(await downtime('reconcile', block.code, path('slips.csv'))).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('1 numbers of the block are still open.') as string,
  });
  expect((await downtime('list', '--open')).stdout).toContain('Labour ward');
  expect(await downtime('close', block.code)).toMatchObject({ stderr: expect.stringContaining('DOWNTIME_NUMBERS_OPEN') as string });
  expect(await downtime('close', block.code, '--rest', 'void', '--reason', 'shredded')).toMatchObject({ code: 0 });
  expect((await downtime('show', block.code)).stdout).toMatch(/VOID\s+shredded/);
  expect(await runCommand(['downtime', 'issue', '--desk', 'x', '--count', '1', '--valid-until', '2099-12-31', '--database-url', database.url])).toMatchObject({
    stderr: expect.stringContaining('DOWNTIME_KEY_MISSING') as string,
  });
});
