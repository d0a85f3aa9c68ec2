import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { runCommand } from '../../../test/support/command-line.ts';
import { createDatabase, type TestDatabase } from '../../../test/support/database.ts';
import { startWebhookReceiver, versionsByPatient, type WebhookReceiver } from '../../../test/support/webhook-receiver.ts';
import { openRegistry, type PatientRepository, type Registry } from '../../index.ts';

const root = dirname(dirname(dirname(import.meta.dirname)));
let database: TestDatabase;
let registry: Registry;
let patients: PatientRepository;
let hook: WebhookReceiver;
let folder: string;
/** The role of the server: no rights but those of onechart_app. */
const role = `events_${process.pid}`;
let appUrl: string;
const env = {
  ONECHART_EVENTS_SECRET_KEY: Buffer.alloc(32, 9).toString('base64'),
  ONECHART_EVENTS_POLL_MILLISECONDS: '50',
  ONECHART_EVENTS_TIMEOUT_SECONDS: '1',
  ONECHART_EVENTS_MAX_BACKOFF_SECONDS: '0.05',
};

beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  registry = await openRegistry({ databaseUrl: database.url, maxConnections: 4 });
  patients = registry.patientRepository;
  hook = await startWebhookReceiver();
  folder = await mkdtemp(join(tmpdir(), 'onechart-events-'));
  await database.query(`CREATE ROLE ${role} LOGIN PASSWORD 'test' IN ROLE onechart_app`);
  const url = new URL(database.url);
  url.username = role;
  url.password = 'test';
  appUrl = url.toString();
});
afterAll(async () => {
  await hook.stop();
  await registry.close();
  await rm(folder, { recursive: true, force: true });
  await database.query(`DROP ROLE ${role}`);
  await database.drop();
});

const cli = (args: string[], databaseUrl = appUrl) => runCommand(['events', ...args], { env: { ...env, DATABASE_URL: databaseUrl } });
const newPatient = async () => (await patients.create({ firstName: 'Synthetic', lastName: 'Person', dateOfBirth: '1990-01-01' })).id;
async function change(id: string): Promise<void> {
  const { version } = (await patients.findById(id)) ?? { version: 0 };
  await patients.update(id, { version, preferredLanguage: ['sw', 'en', 'it', 'fr'][version % 4] ?? 'de' });
}

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  output(): string;
}

/** Starts `onechart events run` as people do, and waits until it says that it delivers. */
async function startWorker(): Promise<Running> {
  const child = spawn(process.execPath, [join(root, 'bin/onechart'), 'events', 'run'], {
    env: { ...process.env, NO_COLOR: '1', DATABASE_URL: appUrl, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  void ended.then((code) => (output += `\nended with ${code}`));
  await vi.waitFor(() => expect(output).toMatch(/Delivering events|ended with/), { timeout: 15_000 });
  expect(output).toContain('Delivering events');
  return { child, ended, output: () => output };
}

test('the queue is made by the owner; the role of the server is told so, and may then work with it', async () => {
  const refused = await cli(['run']);
  expect(refused.stderr).toContain('EVENT_WORKER_NOT_INSTALLED');
  expect(refused.stderr).toContain('onechart events install');
  expect(await cli(['install'], database.url)).toMatchObject({ code: 0, stdout: 'The job queue stands in the schema onechart_worker.\n' });
  const [rights] = await database.query<{ create: boolean }>(`SELECT has_schema_privilege($1, 'onechart_worker', 'CREATE') AS create`, [role]);
  expect(rights?.create).toBe(false);
});

test('workers that are killed and a receiver that fails and comes back: every event arrives, in order, none is lost', async () => {
  const added = await cli(['add', '--name', 'Laboratory', '--url', hook.url]);
  expect(added.code).toBe(0);
  expect(added.stdout).toMatch(/^whsec_[A-Za-z0-9+/]{43}=\n$/);
  const ids = await Promise.all(Array.from({ length: 20 }, newPatient));
  for (const id of ids) await change(id);
  hook.react(() => ({ status: 204, afterMilliseconds: 20 }));
  const first = await startWorker();
  await vi.waitFor(() => expect(hook.taken().length).toBeGreaterThan(5), { timeout: 10_000 });
  first.child.kill('SIGKILL');
  expect(await first.ended).toBeNull();
  await hook.stop();
  for (const id of ids) await change(id);
  const workers = await Promise.all([startWorker(), startWorker()]);
  await vi.waitFor(async () => expect((await cli(['receivers'])).stdout).toMatch(/Laboratory +failing \(\d+, CONNECTION_REFUSED/), { timeout: 10_000 });
  await hook.start();
  const wanted = new Map(ids.map((id) => [id, [1, 2, 3]]));
  await vi.waitFor(() => expect(versionsByPatient(hook.taken())).toEqual(wanted), { timeout: 15_000 });
  for (const { child } of workers) child.kill('SIGTERM');
  for (const { ended, output } of workers) expect(await ended, output()).toBe(0);
  expect(JSON.parse((await cli(['show', 'Laboratory', '--json'])).stdout)).toMatchObject({ behind: 0, waiting: 0, dead: 0, failures: 0 });

  // What a person does about it afterwards, on the command line.
  expect((await cli(['dead', 'Laboratory'])).stderr).toContain('There are none.');
  expect((await cli(['test', 'Laboratory'])).stdout).toMatch(/^It was taken after \d+ ms with status 204\.\n$/);
  expect((await cli(['replay', 'Laboratory', '--from', 'start'])).stdout).toMatch(/Behind +6\d, the oldest of/);
  expect((await cli(['pause', 'Laboratory'])).stdout).toMatch(/State +paused/);
  expect((await cli(['resume', 'Laboratory', '--json'])).stdout).toContain('"state": "ACTIVE"');
  expect((await cli(['retry', 'Laboratory'])).stdout).toBe('0 events are sent again.\n');
  expect((await cli(['rotate', 'Laboratory'])).stderr).toContain('The old secret signs as well until');
  expect((await cli(['show', 'Pharmacy'])).stderr).toContain('RECEIVER_NOT_FOUND');

  const [event] = hook.taken();
  const [body, secret] = [join(folder, 'body.json'), join(folder, 'secret')];
  await writeFile(body, event?.body ?? '');
  await writeFile(secret, added.stdout);
  const header = (name: string) => String(event?.headers[name]);
  const asCame = ['--id', header('webhook-id'), '--timestamp', header('webhook-timestamp'), '--signature', header('webhook-signature')];
  expect((await cli(['verify', body, '--secret-file', secret, ...asCame])).stdout).toContain(`event ${event?.id}`);
  await writeFile(body, `${event?.body} `);
  expect(await cli(['verify', body, '--secret-file', secret, ...asCame])).toMatchObject({
    code: 77,
    stderr: expect.stringContaining('WEBHOOK_SIGNATURE_INVALID'),
  });

  expect((await cli(['remove', 'Laboratory'])).stdout).toBe('Removed Laboratory.\n');
  expect((await cli(['receivers'])).stderr).toContain('Nobody is told of events.');
  expect(await cli(['uninstall'], database.url)).toMatchObject({ code: 0, stdout: 'The schema onechart_worker is gone.\n' });
});
