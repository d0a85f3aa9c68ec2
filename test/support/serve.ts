import { type ChildProcess, spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import type { Role } from '../../src/access/access.schema.ts';
import { createKey } from '../../src/access/key.service.ts';
import { systemClock } from '../../src/base/clock.ts';
import { newId } from '../../src/base/ids.ts';
import { kyselyOnPool } from '../../src/db/connect.ts';
import type { TestDatabase } from './database.ts';

const root = dirname(dirname(import.meta.dirname));

export interface ServedProcess extends AsyncDisposable {
  readonly url: string;
  readonly child: ChildProcess;
  /** Milliseconds from the start of the process to the first 200 of /health/ready. */
  readonly readyAfter: number;
  /** Everything it has written so far, log and all. */
  output(): string;
  /** Resolves with the exit code; null after a signal. */
  readonly ended: Promise<number | null>;
}

export interface ServeOptions {
  readonly databaseUrl: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
}

/** Starts `onechart serve` as people do, in a process of its own on a free port, and waits until it is ready. */
export async function startServe(options: ServeOptions): Promise<ServedProcess> {
  const started = performance.now();
  const child = spawn(process.execPath, [join(root, 'bin/onechart'), 'serve', '--port', '0', ...(options.args ?? [])], {
    env: { ...process.env, CI: '1', NO_COLOR: '1', DATABASE_URL: options.databaseUrl, ONECHART_SERVER_SHUTDOWN_DELAY_SECONDS: '0', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const url = await new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString('utf8');
        const address = /Listening on (https?:\S+)/.exec(output)?.[1];
        if (address !== undefined) resolve(address);
      });
    }
    void ended.then((code) => reject(new Error(`onechart serve ended with ${code}:\n${output}`)));
  });
  const served: ServedProcess = {
    url,
    child,
    readyAfter: 0,
    output: () => output,
    ended,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
  try {
    await untilReady(url, () => output);
    return { ...served, readyAfter: performance.now() - started };
  } catch (error) {
    await served[Symbol.asyncDispose]();
    throw error;
  }
}

async function untilReady(url: string, output: () => string): Promise<void> {
  const until = performance.now() + 30_000;
  for (;;) {
    const reply = await fetch(`${url}/health/ready`);
    if (reply.status === 200) return;
    const said = await reply.text();
    if (performance.now() > until) throw new Error(`The server does not get ready: ${said}\n${output()}`);
  }
}

/** A service key on this database: what a test sends as `Authorization: Bearer`. */
export async function makeKey(database: TestDatabase, role: Role): Promise<string> {
  const pool = database.pool();
  const ctx = { db: kyselyOnPool(pool), pool, clock: systemClock, newId, actor: { kind: 'system' }, origin: 'test' } as const;
  return (await createKey(ctx, { name: `test ${role.toLowerCase()}`, role })).key;
}
