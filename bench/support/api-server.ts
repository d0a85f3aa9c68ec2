import { fork } from 'node:child_process';

export interface ApiServer extends AsyncDisposable {
  readonly port: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Milliseconds from the start of the process to the first 200 of /health/ready. */
  readonly readyAfter: number;
  /** Bytes that the process holds now, and held at most. */
  memory(): Promise<{ rss: number; peak: number }>;
}

/** The server in a process of its own, on a migrated database. */
export async function startApiServer(databaseUrl: string): Promise<ApiServer> {
  const started = performance.now();
  const child = fork(new URL('./api-server-process.ts', import.meta.url), [databaseUrl], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const next = <Message>(): Promise<Message> =>
    new Promise((resolve, reject) => {
      child.once('message', (message) => resolve(message as Message));
      child.once('exit', (code) => reject(new Error(`The server ended with ${code}.`)));
    });
  const { url } = await next<{ url: string }>();
  while ((await fetch(`${url}/health/ready`)).status !== 200) {
    if (performance.now() - started > 60_000) throw new Error('The server is not ready after a minute.');
  }
  return {
    port: Number(new URL(url).port),
    headers: {},
    readyAfter: performance.now() - started,
    memory: async () => {
      child.send('memory');
      const { memory, peak } = await next<{ memory: NodeJS.MemoryUsage; peak: number }>();
      return { rss: memory.rss, peak };
    },
    [Symbol.asyncDispose]: async () => {
      const ended = new Promise((resolve) => {
        child.once('exit', resolve);
      });
      child.kill('SIGTERM');
      await ended;
    },
  };
}
