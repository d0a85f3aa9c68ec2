import { execFile, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export interface ApiServer extends AsyncDisposable {
  readonly port: number;
  /** The key of a service, which every request proves. */
  readonly headers: Readonly<Record<string, string>>;
  /** Milliseconds from the start of the process to the first 200 of /health/ready. */
  readonly readyAfter: number;
  /** Bytes that the process holds now, and held at most; undefined where the system does not tell. */
  memory(): Promise<{ rss: number; peak: number } | undefined>;
}

const program = fileURLToPath(new URL('../../bin/onechart', import.meta.url));

/** `onechart serve` as anybody starts it, with limits that no benchmark reaches; its log goes nowhere. */
export async function startApiServer(databaseUrl: string, connections = 10): Promise<ApiServer> {
  const env = { ...process.env, DATABASE_URL: databaseUrl };
  const { stdout } = await promisify(execFile)(process.execPath, [program, 'keys', 'create', '--name', 'bench', '--role', 'ADMIN', '--json'], { env });
  const { key } = JSON.parse(stdout) as { key: string };
  const started = performance.now();
  const limits = ['limits.requestsPerMinute=1000000', 'search.mend=false', `database.maxConnections=${connections}`];
  const settings = limits.flatMap((limit) => ['--set', limit]);
  const child = spawn(process.execPath, [program, 'serve', '--port', '0', '--json', ...settings], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = new Promise<number | null>((resolve) => {
    child.once('exit', resolve);
  });
  const said = new Promise<string>((resolve) => {
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      if (text.trimEnd().endsWith('}')) resolve(text);
    });
  });
  const { url } = JSON.parse(await Promise.race([said, ended.then((code) => Promise.reject(new Error(`The server ended with ${code} as it started.`)))])) as {
    url: string;
  };
  while ((await fetch(`${url}/health/ready`)).status !== 200) {
    if (performance.now() - started > 60_000) throw new Error('The server is not ready after a minute.');
  }
  const readyAfter = performance.now() - started;
  return {
    port: Number(new URL(url).port),
    headers: { authorization: `Bearer ${key}` },
    readyAfter,
    memory: async () => {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '');
      const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024;
      return status === '' ? undefined : { rss: bytes('VmRSS'), peak: bytes('VmHWM') };
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
