import { Agent, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../../../test/support/database.ts';
import { makeKey, startServe } from '../../../test/support/serve.ts';
import { kyselyOnPool } from '../../db/connect.ts';
import { reportMrns } from '../../identifier/mrn.service.ts';

// Real processes, real sockets, a real database: what was acknowledged is there, what was not is not, whatever ends the server.

let database: TestDatabase;
let key: string;
beforeAll(async () => {
  database = await createDatabase({ template: 'migrated' });
  key = await makeKey(database, 'ADMIN');
});
afterAll(() => database.drop());

interface Reply {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

/** One request on a connection of the agent. `sent` says whether anything of it can have reached the server. */
function send(
  agent: Agent,
  url: string,
  { method = 'GET', headers = {}, body }: { method?: string; headers?: Record<string, string>; body?: object } = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const outgoing = request(url, {
      agent,
      method,
      headers: { ...headers, ...(text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }) },
    });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      let received = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (chunk: string) => {
        received += chunk;
      });
      incoming.on('error', reject);
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: received }));
    });
    outgoing.end(text);
  });
}

interface Acknowledged {
  /** Family name, which is chosen by the client, to the id and the last middle name that were acknowledged. */
  readonly charts: Map<string, { id: string; middleNames: string[] }>;
  /** Answers that were neither a success nor a refusal to take more. */
  readonly strange: Reply[];
  /** Requests that were on their way when the connection ended: nobody knows their outcome, so nobody was told one. */
  readonly unanswered: Set<string>;
}

let numberOfNames = 0;
const newName = () => {
  numberOfNames += 1;
  // Letters only, as names are.
  return `Load${numberOfNames.toString(26).replaceAll(/./g, (digit) => String.fromCharCode(97 + Number.parseInt(digit, 26)))}`;
};

/** Clients that register a chart and change it twice, again and again, until the server takes no more. */
async function runClients(url: string, { clients, onAcknowledged }: { clients: number; onAcknowledged: (count: number) => void }): Promise<Acknowledged> {
  const done: Acknowledged = { charts: new Map(), strange: [], unanswered: new Set() };
  let count = 0;
  const client = async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const headers = { authorization: `Bearer ${key}` };
    let name = '';
    try {
      for (;;) {
        name = newName();
        const made = await send(agent, `${url}/api/v1/patients`, {
          method: 'POST',
          headers,
          body: { firstName: 'Synthetic', lastName: name, dateOfBirth: '1990-01-01' },
        });
        if (made.status !== 201) return void done.strange.push(made);
        const { id } = JSON.parse(made.body) as { id: string };
        const chart = { id, middleNames: [] as string[] };
        done.charts.set(name, chart);
        onAcknowledged((count += 1));
        for (const [version, middleName] of ['First', 'Second'].entries()) {
          const changed = await send(agent, `${url}/api/v1/patients/${id}`, {
            method: 'PATCH',
            headers: { ...headers, 'if-match': `"${version + 1}"` },
            body: { middleName },
          });
          if (changed.status !== 200) return void done.strange.push(changed);
          chart.middleNames.push(middleName);
          onAcknowledged((count += 1));
        }
      }
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Refused: the server takes no new connections, and nothing was sent.
      if (code !== 'ECONNREFUSED') done.unanswered.add(name);
    } finally {
      agent.destroy();
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return done;
}

interface Row {
  readonly lastName: string;
  readonly middleName: string | null;
  readonly version: number;
  readonly registered: number;
  readonly updated: number;
  readonly events: number;
}

/** Every chart of the load with how often the trail and the outbox know of it. */
async function readCharts(): Promise<Row[]> {
  return database.query<Row & Record<string, unknown>>(
    `SELECT p."lastName", p."middleName", p.version,
       (SELECT count(*)::int FROM patient_audit_events a WHERE a."patientId" = p.id AND a.action = 'patient.registered') AS registered,
       (SELECT count(*)::int FROM patient_audit_events a WHERE a."patientId" = p.id AND a.action = 'patient.updated') AS updated,
       (SELECT count(*)::int FROM patient_outbox_events o WHERE o."patientId" = p.id AND o.type IN ('patient.registered', 'patient.updated')) AS events
     FROM patients p WHERE p."lastName" LIKE 'Load%'`,
  );
}

/** None half: a chart has its own row of the trail and its event for the registration and for each change, and no more of them. */
function expectWhole(rows: readonly Row[]): void {
  expect(rows.filter(({ version, registered, updated, events }) => registered !== 1 || updated !== version - 1 || events !== version)).toEqual([]);
  expect(rows.filter(({ version, middleName }) => middleName !== ([null, 'First', 'Second'][version - 1] ?? null))).toEqual([]);
}

/** Every acknowledged registration and change is there. */
function expectAcknowledged(rows: readonly Row[], { charts }: Acknowledged): void {
  const byName = new Map(rows.map((row) => [row.lastName, row]));
  for (const [name, { middleNames }] of charts) {
    const row = byName.get(name);
    expect(row, `${name} was acknowledged`).toBeDefined();
    expect(row?.version, `changes of ${name}`).toBeGreaterThanOrEqual(1 + middleNames.length);
  }
}

test('SIGTERM under load: readiness says so first, everything that was accepted is answered, numbers go back, the trail is sealed', async () => {
  await using served = await startServe({
    databaseUrl: database.url,
    env: { ONECHART_SERVER_SHUTDOWN_DELAY_SECONDS: '1.5', ONECHART_LIMITS_REQUESTS_PER_MINUTE: '0' },
  });
  let stopping: Promise<{ status: number; code: string; connection: string | null }> | undefined;
  const stop = async () => {
    served.child.kill('SIGTERM');
    for (;;) {
      const reply = await fetch(`${served.url}/health/ready`);
      const { code = '' } = (await reply.json()) as { code?: string };
      if (reply.status !== 200) return { status: reply.status, code, connection: reply.headers.get('connection') };
    }
  };
  const done = await runClients(served.url, {
    clients: 8,
    onAcknowledged: (count) => {
      if (count === 60) stopping = stop();
    },
  });
  expect(await stopping).toEqual({ status: 503, code: 'SERVER_STOPPING', connection: 'close' });
  expect(await served.ended, served.output()).toBe(0);
  expect(done.strange).toEqual([]);
  const rows = await readCharts();
  expectWhole(rows);
  expectAcknowledged(rows, done);
  // Nothing was done that nobody was told of: neither charts nor changes beyond those acknowledged.
  expect(rows.map(({ lastName }) => lastName).sort()).toEqual([...done.charts.keys()].sort());
  expect(rows.reduce((sum, { version }) => sum + version - 1, 0)).toBe([...done.charts.values()].reduce((sum, { middleNames }) => sum + middleNames.length, 0));
  // Work went on after the signal, and ended by itself.
  expect(rows.length + rows.reduce((sum, { version }) => sum + version - 1, 0)).toBeGreaterThan(60);
  expect(await reportMrns(kyselyOnPool(database.pool()))).toMatchObject({ reserved: 0, burnt: 0, unexplained: 0 });
  const [sealed] = await database.query<{ unsealed: number }>(
    `SELECT count(*)::int AS unsealed FROM patient_audit_events WHERE seq > (SELECT coalesce(max("toSeq"), 0) FROM patient_audit_seals)`,
  );
  expect(sealed).toEqual({ unsealed: 0 });
});

test('what runs longer than the limit is cut off, was not acknowledged, and the exit code says so', async () => {
  await using served = await startServe({ databaseUrl: database.url, env: { ONECHART_SERVER_SHUTDOWN_LIMIT_SECONDS: '1' } });
  const client = await database.pool().connect();
  try {
    // A transaction of somebody else that holds the chart: the change waits for it.
    const agent = new Agent({ keepAlive: true });
    const headers = { authorization: `Bearer ${key}` };
    const made = await send(agent, `${served.url}/api/v1/patients`, {
      method: 'POST',
      headers,
      body: { firstName: 'Held', lastName: 'Example', dateOfBirth: '1990-01-01' },
    });
    const { id } = JSON.parse(made.body) as { id: string };
    await client.query('BEGIN');
    await client.query('SELECT FROM patients WHERE id = $1 FOR UPDATE', [id]);
    const change = send(agent, `${served.url}/api/v1/patients/${id}`, {
      method: 'PATCH',
      headers: { ...headers, 'if-match': '"1"' },
      body: { middleName: 'Waiting' },
    });
    change.catch(() => undefined);
    await untilTrue(
      async () => (await database.query(`SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)).length > 0,
    );
    served.child.kill('SIGTERM');
    await expect(change).rejects.toMatchObject({ code: 'ECONNRESET' });
    await client.query('ROLLBACK');
    expect(await served.ended, served.output()).toBe(5);
    expect(served.output()).toContain('SHUTDOWN_UNFINISHED');
    agent.destroy();
  } finally {
    client.release();
  }
});

test('every connection to the database is cut under load: those on their way are told 503, nothing is half, and it goes on by itself', async () => {
  const before = new Set((await readCharts()).map(({ lastName }) => lastName));
  await using served = await startServe({ databaseUrl: database.url, env: { ONECHART_LIMITS_REQUESTS_PER_MINUTE: '0' } });
  const done = await runClients(served.url, {
    clients: 8,
    onAcknowledged: (count) => {
      if (count === 40) {
        void database.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'onechart%'`);
      }
      if (count === 120) served.child.kill('SIGTERM');
    },
  });
  expect(done.strange.filter(({ status }) => status !== 503).map(({ status, body }) => `${status} ${body}`)).toEqual([]);
  const rows = (await readCharts()).filter(({ lastName }) => !before.has(lastName));
  expectWhole(rows);
  expectAcknowledged(rows, done);
  if (done.strange.length === 8) {
    // Every client was on its way: the next request is served all the same.
    const agent = new Agent();
    const opened = await send(agent, `${served.url}/api/v1/patients/${[...done.charts.values()][0]?.id}`, { headers: { authorization: `Bearer ${key}` } });
    expect(opened.status, opened.body).toBe(200);
  } else expect(await served.ended, served.output()).toBe(0);
});

async function untilTrue(condition: () => Promise<boolean>): Promise<void> {
  const until = performance.now() + 20_000;
  while (!(await condition())) {
    if (performance.now() > until) throw new Error('The condition did not come true within 20 seconds.');
  }
}

describe('kill -9 under load', () => {
  test('every acknowledged registration and change is there with its trail and event, none half; a new server goes on', async () => {
    const before = new Set((await readCharts()).map(({ lastName }) => lastName));
    const served = await startServe({ databaseUrl: database.url, env: { ONECHART_LIMITS_REQUESTS_PER_MINUTE: '0' } });
    const done = await runClients(served.url, {
      clients: 8,
      onAcknowledged: (count) => {
        if (count === 120) served.child.kill('SIGKILL');
      },
    });
    expect(await served.ended).toBeNull();
    expect(done.strange).toEqual([]);
    // Sessions of the killed process end when the server notices; what they had not committed is rolled back then.
    await untilTrue(
      async () =>
        (await database.query(`SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'onechart serve'`)).length === 0,
    );
    const rows = (await readCharts()).filter(({ lastName }) => !before.has(lastName));
    expect(done.charts.size).toBeGreaterThan(20);
    expectWhole(rows);
    expectAcknowledged(rows, done);
    // What is there without an acknowledgement was on its way when the connection ended.
    expect(rows.filter(({ lastName }) => !done.charts.has(lastName) && !done.unanswered.has(lastName))).toEqual([]);

    await using next = await startServe({ databaseUrl: database.url });
    const agent = new Agent();
    const headers = { authorization: `Bearer ${key}` };
    const [chart] = done.charts.values();
    const opened = await send(agent, `${next.url}/api/v1/patients/${chart?.id}`, { headers });
    expect(opened.status, opened.body).toBe(200);
    const made = await send(agent, `${next.url}/api/v1/patients`, {
      method: 'POST',
      headers,
      body: { firstName: 'After', lastName: 'Crash', dateOfBirth: '1990-01-01' },
    });
    expect(made.status, made.body).toBe(201);
    const [numbers] = await database.query<{ all: number; distinct: number }>(
      'SELECT count(mrn)::int AS all, count(DISTINCT mrn)::int AS distinct FROM patients',
    );
    expect(numbers?.all).toBe(numbers?.distinct);
  });
});
