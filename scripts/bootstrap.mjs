import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { alone } from './lock.mjs';
import { ensureNode, root, runNpm } from './node.mjs';

// Both commands, `npm start` and `npm test`, come through here on a bare clone: any Node from 18 on, nothing installed.

/** What each command of package.json runs once Node and the dependencies are there. */
const commands = {
  start: 'src/start/main.ts',
  test: 'scripts/check.ts',
  check: 'scripts/check.ts',
  fix: 'scripts/fix.ts',
  docs: 'scripts/docs.ts',
  bench: 'bench/main.ts',
  build: 'scripts/build.ts',
  'prove-package': 'scripts/prove-package.ts',
  'prove-image': 'scripts/prove-image.ts',
};

const stamp = join(root, 'node_modules', '.onechart-installed');

async function main() {
  const [command = '', ...args] = process.argv.slice(2);
  const script = commands[/** @type {keyof typeof commands} */ (command)];
  if (!script) throw new Error(`There is no command "${command}". The commands are ${Object.keys(commands).join(', ')}.`);
  await ensureInstalled();
  const node = await ensureNode();
  return run(node, [join(root, script), ...args]);
}

/** Installs the locked dependencies where they are missing or not those of the lock. */
async function ensureInstalled() {
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
  // One folder may be shared by machines (a mounted volume), and some packages carry programs.
  const wanted = `${createHash('sha256').update(lock).digest('hex')} ${process.platform}-${process.arch}\n`;
  if (isStamped(wanted)) return;
  await alone(
    join(root, 'node_modules'),
    async () => {
      if (isStamped(wanted)) return;
      if (!isInstalled(lock)) {
        console.error('Installing the locked dependencies, once.');
        // Not `npm ci`: it refuses a lock that lacks an optional package of another platform, and npm itself writes such locks
        // (npm/cli#4828). This takes the same versions and integrities, leaves the lock alone, and isInstalled proves the result.
        runNpm(
          ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
          'The lines below say why; run the same command again when that is mended.',
        );
        if (!isInstalled(lock))
          throw new Error(
            'npm reported success, but node_modules does not hold what package-lock.json names. Remove the folder node_modules and run the same command again.',
          );
      }
      try {
        writeFileSync(stamp, wanted);
      } catch {
        // Installed by another user and complete: the look at its contents is repeated next time, that is all.
      }
    },
    () => console.error('Another process is installing the dependencies; waiting for it.'),
  );
}

/** @param {string} wanted */
function isStamped(wanted) {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted;
}

/**
 * Whether npm's own record of node_modules holds every package of the lock in its version, those of other platforms aside.
 *
 * @param {string} lockText
 */
function isInstalled(lockText) {
  const recordFile = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(recordFile)) return false;
  const record = JSON.parse(readFileSync(recordFile, 'utf8')).packages ?? {};
  return Object.entries(JSON.parse(lockText).packages).every(([path, entry]) => {
    if (path === '') return true;
    const { version, optional, os, cpu, libc } = /** @type {{ version?: string, optional?: boolean, os?: string[], cpu?: string[], libc?: string[] }} */ (
      entry
    );
    const there = record[path];
    if (there) return there.version === version && existsSync(join(root, path, 'package.json'));
    if (!optional) return false;
    // An optional package that this platform could use must be there too: the embedded server is one.
    return !(matches(os, process.platform) && matches(cpu, process.arch) && libc === undefined && os !== undefined);
  });
}

/**
 * @param {string[] | undefined} allowed
 * @param {string} value
 */
function matches(allowed, value) {
  if (!allowed) return true;
  const negative = allowed.filter((each) => each.startsWith('!'));
  return negative.length > 0 ? !negative.includes(`!${value}`) : allowed.includes(value);
}

/**
 * @param {string} node
 * @param {string[]} args
 * @returns {Promise<number>}
 */
function run(node, args) {
  return new Promise((resolve, reject) => {
    // Tools started further down find the same Node by PATH.
    const child = spawn(node, args, { stdio: 'inherit', env: { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` } });
    for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, () => child.kill(signal));
    child.on('error', (error) => reject(new Error(`Node cannot be started: ${error.message}`)));
    child.on('exit', (code, signal) => resolve(signal ? 128 + (constants.signals[signal] ?? 0) : (code ?? 1)));
  });
}

main().then(
  (code) => {
    process.exitCode = code;
    // The signal handlers above must not keep us.
    process.exit();
  },
  (error) => {
    console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(69);
  },
);
