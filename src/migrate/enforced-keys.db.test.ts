import { expect, test } from 'vitest';
import type { TestDatabase } from '../../test/support/database.ts';
import { apply, createApplied, createHost, snapshot } from '../../test/support/migrate.ts';
import { parseDatabaseUrl } from '../base/config.ts';
import { checkMigration, verifyMigration } from './index.ts';

const failed = async (host: TestDatabase) => (await verifyMigration({ address: parseDatabaseUrl(host.url) })).items.filter(({ ok }) => !ok);
const blocks = async (host: TestDatabase) =>
  (await checkMigration({ address: parseDatabaseUrl(host.url) })).findings.filter(({ level }) => level === 'block').map(({ code }) => code);

test('keys are verified on tables without a row too: a trigger that is switched off is found', async () => {
  await using host = await createHost();
  await host.query('TRUNCATE bills CASCADE');
  await apply(host);
  expect(await failed(host)).toEqual([]);

  await host.query('ALTER TABLE bills DISABLE TRIGGER ALL');
  // The catalogue goes on to call the key validated.
  expect(await host.query(`SELECT convalidated FROM pg_constraint WHERE conname = 'bills_patientId_fkey'`)).toEqual([{ convalidated: true }]);
  expect(await failed(host)).toMatchObject([{ name: 'keys: their triggers are switched on', found: expect.stringContaining('bills_patientId_fkey on bills') }]);
  expect(await blocks(host)).toEqual(['KEY_NOT_ENFORCED']);
  const before = await snapshot(host);
  await expect(apply(host)).rejects.toMatchObject({ kind: 'drift', code: 'KEY_NOT_ENFORCED' });
  expect(await snapshot(host)).toEqual(before);

  await host.query('ALTER TABLE bills ENABLE TRIGGER ALL');
  expect(await failed(host)).toEqual([]);
});

test('triggers on the side of patients count as well: without them a patient with bills could be deleted', async () => {
  await using host = await createApplied();
  await host.query('ALTER TABLE patients DISABLE TRIGGER ALL');
  const [item] = await failed(host);
  expect(item?.found).toContain('bills_patientId_fkey on patients');
  expect(await blocks(host)).toEqual(['KEY_NOT_ENFORCED']);
});

test('a database whose sessions skip the triggers of keys is found', async () => {
  await using host = await createApplied();
  await host.query(`ALTER DATABASE ${host.name} SET session_replication_role = replica`);
  // The trials find it too, where there are rows to try it on; the setting says why.
  expect((await failed(host))[0]).toMatchObject({ name: 'keys: every session keeps them', found: 'session_replication_role = replica for everybody' });
  expect(await blocks(host)).toEqual(['KEY_NOT_ENFORCED']);
  await host.query(`ALTER DATABASE ${host.name} RESET session_replication_role`);
  expect(await failed(host)).toEqual([]);
});
