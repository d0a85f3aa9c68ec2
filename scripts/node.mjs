import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { alone } from './lock.mjs';

// Plain JavaScript for Node 18 and newer: this is what runs before we have the Node that we need.

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The first version that runs TypeScript files as they are. */
const floor = [22, 18];
const pinned = '24.21.0';

/** What the registry must deliver; anything else is not run. From the registry's own metadata of that version. */
const integrities = {
  'linux-x64': 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  'linux-arm64': 'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
  'win-x64': 'sha512-0ddSuAi9KnmYzfjJwKfFUO5YfljMVfa9smiGRQXmp5QGhm8KXk7xbqkFNeaPXVaL6sfZ5oGfCD7q8wWY/TnypA==',
};

function isRecentNode(version = process.versions.node) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > floor[0] || (major === floor[0] && minor >= floor[1]);
}

/**
 * The path of a Node that is new enough: the running one, or the pinned one, which is brought from the npm registry into
 * .toolchain/ first where it is missing. Throws an Error whose message is meant for the user.
 *
 * @returns {Promise<string>}
 */
export async function ensureNode() {
  if (isRecentNode()) return process.execPath;
  const platform = `${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const integrity = integrities[/** @type {keyof typeof integrities} */ (platform)];
  const advice = `Install Node ${pinned.split('.')[0]} (https://nodejs.org) and run the same command again.`;
  if (!integrity)
    throw new Error(
      `OneChart needs Node ${floor.join('.')} or newer; this is ${process.versions.node}, and there is no pinned Node for ${platform}. ${advice}`,
    );
  const folder = join(root, '.toolchain', `node-${pinned}-${platform}`);
  const modules = join(folder, 'node_modules');
  const node = join(modules, `node-${platform}`, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (runs(node)) return node;
  return alone(folder, async () => {
    if (runs(node)) return node;
    console.error(
      `This is Node ${process.versions.node}; OneChart needs ${floor.join('.')} or newer. Bringing Node ${pinned} into .toolchain/ (about 45 MB, once).`,
    );
    const fresh = `${folder}.${process.pid}`;
    try {
      rmSync(fresh, { recursive: true, force: true });
      mkdirSync(fresh, { recursive: true });
    } catch (error) {
      throw new Error(`The folder ${join(root, '.toolchain')} cannot be written (${codeOf(error)}). Make it writable for this user. Or: ${advice}`);
    }
    try {
      runNpm(
        ['install', '--ignore-scripts', '--no-save', '--no-audit', '--no-fund', '--loglevel=error', '--prefix', fresh, `node-${platform}@${pinned}`],
        advice,
      );
      const lock = JSON.parse(readFileSync(join(fresh, 'node_modules', '.package-lock.json'), 'utf8'));
      if (lock.packages?.[`node_modules/node-${platform}`]?.integrity !== integrity)
        throw new Error(`The registry delivered another node-${platform}@${pinned} than the pinned one. It was not run. ${advice}`);
      rmSync(folder, { recursive: true, force: true });
      renameSync(fresh, folder);
    } finally {
      rmSync(fresh, { recursive: true, force: true });
    }
    if (!runs(node)) throw new Error(`The pinned Node ${pinned} does not run on this machine. ${advice}`);
    return node;
  });
}

/** @param {string} node */
function runs(node) {
  return existsSync(node) && spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout?.trim() === `v${pinned}`;
}

/**
 * Runs npm; its output is shown when it fails.
 *
 * @param {string[]} args
 * @param {string} advice what to do when it fails, a sentence
 */
export function runNpm(args, advice) {
  // Below `npm start` and `npm test` npm says where it is; on its own we go by PATH.
  const script = process.env.npm_execpath;
  const viaScript = script !== undefined && /npm-cli\.c?js$/.test(script) && existsSync(script);
  const [program, first] = viaScript ? [process.execPath, [script]] : ['npm', []];
  const result = spawnSync(program, [...first, ...args], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: !viaScript && process.platform === 'win32',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (result.error) throw new Error(`npm cannot be started (${codeOf(result.error)}). Install npm, which comes with Node, and run the same command again.`);
  if (result.status === 0) return;
  const output = `${result.stderr}\n${result.stdout}`.trim();
  const reason = /ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET|ENETUNREACH|EIDLETIMEOUT|ERR_SOCKET_TIMEOUT/.test(output)
    ? 'The npm registry cannot be reached. Check the network, the proxy and `npm config get registry`, then run the same command again.'
    : /ENOSPC/.test(output)
      ? 'The disk is full. Free some space, then run the same command again.'
      : /EACCES|EPERM|EROFS/.test(output)
        ? `The folder ${root} cannot be written by this user. Give the user the right to it, then run the same command again.`
        : `\`npm ${args[0]}\` failed. ${advice}`;
  throw new Error(`${reason}\n${output.split('\n').slice(-15).join('\n')}`);
}

/** @param {unknown} error */
function codeOf(error) {
  return error instanceof Error ? /** @type {NodeJS.ErrnoException} */ (error.code ?? error.message) : String(error);
}
