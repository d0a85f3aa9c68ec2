import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { inParallel, positionsToKill, runUntil, walkName } from '../../../test/support/cut-off.ts';
import { cloneOf, type TestDatabase, testServer, withClient } from '../../../test/support/database.ts';
import { hostPicture, tableContents } from '../../../test/support/host-picture.ts';
import { apply, createApplied, createHost, moduleHistory, pictureBefore } from '../../../test/support/migrate.ts';
import { parseDatabaseUrl } from '../../base/config.ts';
import { importRows, type MigrateEvent, rollbackMigration } from '../index.ts';

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'onechart-rows-'));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return join(made, 'rows');
}

/** Of the same rows every time, so that pictures of two databases can be compared. */
async function fillModule(host: TestDatabase): Promise<void> {
  await withClient(host.url, async (client) => {
    await client.query(
      `INSERT INTO patients (id, mrn, "firstName", "lastName", "dateOfBirth", "createdAt", "updatedAt")
       SELECT ('00000000-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid, 'MRN-2026-' || lpad(i::text, 5, '0'), 'Ines', 'Example', '1980-02-29', '2026-01-01Z', '2026-01-01Z' FROM generate_series(1, 2000) i`,
    );
    await client.query(
      `INSERT INTO patient_outbox_events (id, type, "patientId", "patientVersion", payload, "occurredAt") SELECT id, 'patient.registered', id, 1, '{}', '2026-01-01Z' FROM patients`,
    );
  });
}

const picture = (host: { url: string }) => withClient(host.url, (client) => hostPicture(client, 'public'));
const rowsOf = (host: { url: string }) => withClient(host.url, (client) => tableContents(client, 'public', ['patients', 'patient_outbox_events']));
const address = (host: { url: string }) => parseDatabaseUrl(host.url);

const older = (await testServer()).version < 18;
const every = older ? 12 : 8;
const everyImport = older ? 8 : 6;

test(`killed at ${walkName(every)}, the rollback goes on to the same end, and no row is lost`, { timeout: 900_000 }, async () => {
  const before = await pictureBefore();
  await using whole = await createApplied();
  await fillModule(whole);
  const rows = await rowsOf(whole);
  await using filled = await cloneOf(whole);
  const run = await runUntil(whole.url, { nth: 0, command: 'rollback', argument: await folder() });
  expect(run.errors).toBe('');
  const events = run.output.trim().split('\n');
  expect(events).toEqual(expect.arrayContaining(['checkpoint tables locked', 'checkpoint rows exported', 'checkpoint rolled back']));
  expect(await picture(whole)).toEqual(before);

  const positions = positionsToKill(events, every);
  const outcomes = await inParallel(positions, 3, async ({ event, nth }) => {
    await using host = await cloneOf(filled);
    const to = await folder();
    // A step that has started is cut off after 0 to 3 ms, when its statement is with the server; the last one, which writes files, later too.
    const { signal, errors } = await runUntil(host.url, { nth, later: event.endsWith(' remove') ? 12 : nth % 4, command: 'rollback', argument: to });
    const { steps } = await rollbackMigration({ address: address(host), exportTo: to });
    const same = JSON.stringify(await picture(host)) === JSON.stringify(before);
    const history = (await moduleHistory(host)).every(({ finished, rolledBack }) => finished && rolledBack);
    const again = (await rollbackMigration({ address: address(host), exportTo: to })).steps.length;
    await importRows({ address: address(host), from: to });
    const back = await rowsOf(host);
    return {
      event,
      signal,
      errors,
      same,
      history,
      again,
      back,
      nothingLeft: steps.length > 0 || event.endsWith('rolled back') || event === 'step-finished remove',
      folders: (await readdir(join(to, '..'))).join(),
    };
  });
  expect(outcomes).toEqual(
    positions.map(({ event }) => ({
      event,
      signal: 'SIGKILL',
      errors: '',
      same: true,
      history: true,
      again: 0,
      back: rows,
      nothingLeft: true,
      folders: 'rows',
    })),
  );
});

test(`killed at ${walkName(everyImport)}, the import brings all rows back or none, and the same command ends it`, { timeout: 600_000 }, async () => {
  await using source = await createApplied();
  await fillModule(source);
  const rows = await rowsOf(source);
  const from = await folder();
  await rollbackMigration({ address: address(source), exportTo: from });
  await using whole = await createHost();
  const events = (await runUntil(whole.url, { nth: 0, command: 'import', argument: from })).output.trim().split('\n');
  expect(events.length).toBeGreaterThan(4);
  const positions = positionsToKill(events, everyImport);
  const outcomes = await inParallel(positions, 3, async ({ event, nth }) => {
    await using host = await createHost();
    const { signal } = await runUntil(host.url, { nth, later: event.includes('import') ? 25 : nth % 4, command: 'import', argument: from });
    await importRows({ address: address(host), from });
    const { verification } = await apply(host);
    return { event, signal, ok: verification.ok, back: await rowsOf(host) };
  });
  expect(outcomes).toEqual(positions.map(({ event }) => ({ event, signal: 'SIGKILL', ok: true, back: rows })));
});

const worker = `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 1013202601 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

test.each(['script', 'drop', 'drop-index', 'remove'] as const)(
  'the server process ends as a step of kind %s begins: said in words, and it goes on from there',
  async (kind) => {
    const before = await pictureBefore();
    await using host = await createApplied();
    let hit = '';
    const onEvent = async (event: MigrateEvent) => {
      if (hit !== '' || event.type !== 'step-started' || (kind === 'remove' ? event.step.key : event.step.kind) !== kind) return;
      hit = event.step.key;
      await withClient(host.url, (client) => client.query(`SELECT pg_terminate_backend(pid, 5000) FROM (${worker}) w`));
    };
    await expect(rollbackMigration({ address: address(host), onEvent })).rejects.toMatchObject({ kind: 'resumable', code: 'DATABASE_CONNECTION_LOST' });
    const { steps } = await rollbackMigration({ address: address(host) });
    expect(steps.map(({ step }) => step.key)).toContain(hit);
    expect(await picture(host)).toEqual(before);
  },
);

test('the server process ends while the rows are written: nothing is dropped, the folder is written anew', async () => {
  await using host = await createApplied();
  await fillModule(host);
  const rows = await rowsOf(host);
  const to = await folder();
  const onEvent = async (event: MigrateEvent) => {
    if (event.type === 'checkpoint' && event.name === 'rows exported')
      await withClient(host.url, (client) => client.query(`SELECT pg_terminate_backend(pid, 5000) FROM (${worker}) w`));
  };
  await expect(rollbackMigration({ address: address(host), exportTo: to, onEvent })).rejects.toMatchObject({ kind: 'resumable' });
  expect(await rowsOf(host)).toEqual(rows);
  await host.query(`UPDATE patients SET "lastName" = 'Changed since' WHERE mrn = 'MRN-2026-00001'`);
  const now = await rowsOf(host);
  // What was written then is no longer the last word.
  const stale = `${to}-stale`;
  await cp(to, stale, { recursive: true });
  await rollbackMigration({ address: address(host), exportTo: to });
  await apply(host);
  await expect(importRows({ address: address(host), from: stale })).rejects.toMatchObject({ kind: 'unsafe', code: 'EXPORT_SUPERSEDED' });
  await importRows({ address: address(host), from: to });
  expect(await rowsOf(host)).toEqual(now);
});
