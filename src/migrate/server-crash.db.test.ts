import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CrashingServer, startCrashingServer } from '../../test/support/crashing-server.ts';
import { testServer } from '../../test/support/database.ts';
import { findOlderServer } from '../../test/support/older-server.ts';
import { openStateServer, type StateDatabase } from '../../test/support/state-server.ts';
import { AppError } from '../base/errors.ts';
import { type Catalogue, readCatalogue } from './catalogue.ts';
import { applyMigration, type MigrateEvent, verifyMigration } from './index.ts';

/** The same version as that of the test run, which may have an installed one. */
const { version } = await testServer();
const installed = process.env.ONECHART_TEST_SERVER_BIN || (version < 18 ? findOlderServer().binFolder : undefined);

let server: CrashingServer;
beforeAll(async () => {
  server = await startCrashingServer(installed);
});
afterAll(() => server[Symbol.asyncDispose]());

const apply = (database: StateDatabase, onEvent: (event: MigrateEvent) => void = () => undefined) =>
  applyMigration({ address: database.address, noBackup: true, onEvent });

const moments: [string, (event: MigrateEvent) => boolean][] = [
  ['as the run begins', (event) => event.type === 'checkpoint' && event.name === 'run started'],
  ['as a migration has begun', (event) => event.type === 'checkpoint' && event.name === '20260103000000_add_patient_module started'],
  ...(['structure', 'add-constraint', 'validate', 'index', 'comments', 'script'] as const).map((kind): [string, (event: MigrateEvent) => boolean] => [
    `in a step of kind ${kind}`,
    (event) => event.type === 'step-started' && event.step.kind === kind,
  ]),
  ['right after a key was added', (event) => event.type === 'step-finished' && event.step.kind === 'add-constraint'],
  ['as a migration has ended', (event) => event.type === 'checkpoint' && event.name === '20260103000000_add_patient_module finished'],
];

test('the server is killed with -9 at each kind of moment: the same command finishes, and verify agrees', { timeout: 600_000 }, async () => {
  await using states = await openStateServer(server.url);
  const { plain } = await states.model('uuid');
  const outcomes: unknown[] = [];
  for (const [at, [moment, isIt]] of moments.entries()) {
    await using database = await states.clone('uuid', 'host');
    let killed: Promise<void> | undefined;
    const error = await apply(database, (event) => {
      // A little later, so that the statement is with the server.
      if (!killed && isIt(event)) killed = pause(at % 4).then(() => server.kill());
    }).catch((thrown: unknown) => thrown);
    await killed;
    await server.start();
    await states.reconnect();
    const { verification } = await apply(database);
    const client = await database.connect();
    outcomes.push({
      moment,
      kind: error instanceof AppError ? error.kind : error,
      repaired: verification.items.filter(({ ok }) => !ok),
      verified: (await verifyMigration({ address: database.address })).ok,
      differs: differences(plain, await readCatalogue(client, 'public')),
      open: (await client.query('SELECT migration_name FROM _prisma_migrations WHERE finished_at IS NULL')).rows,
      unfinishedRuns: (await client.query('SELECT count(*)::int AS runs FROM onechart.migration_runs WHERE outcome IS DISTINCT FROM $1', ['done'])).rows[0],
    });
  }
  expect(outcomes).toEqual(
    moments.map(([moment]) => ({
      moment,
      kind: 'resumable',
      repaired: [],
      verified: true,
      differs: [],
      open: [],
      // The row of the run that was cut off stays without an end; at the very beginning it may not have been on disk yet.
      unfinishedRuns: { runs: 1 },
    })),
  );
});

function differences(expected: Catalogue, actual: Catalogue): string[] {
  const text = (map: ReadonlyMap<string, unknown>) =>
    JSON.stringify([...map].filter(([name]) => name !== '_prisma_migrations').toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return (Object.keys(expected) as (keyof Catalogue)[]).filter((kind) => text(expected[kind]) !== text(actual[kind]));
}
