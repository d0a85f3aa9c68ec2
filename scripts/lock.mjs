import { createHash } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Runs work alone on this machine among all who name the same thing. The lock is a listening socket: the kernel frees it
 * when its holder ends, kill -9 included, so there is never a stale lock to judge; who waits is told by the closed connection.
 *
 * @template T
 * @param {string} name
 * @param {() => Promise<T>} work
 * @param {() => void} [onWait]
 * @returns {Promise<T>}
 */
export async function alone(name, work, onWait) {
  const path = lockPath(name);
  for (let waited = false; ; waited = true) {
    const server = await tryListen(path);
    if (server) {
      try {
        return await work();
      } finally {
        await new Promise((resolve) => {
          server.close(resolve);
          server.emit('release');
        });
      }
    }
    if (!waited) onWait?.();
    await holderGone(path);
  }
}

/** @param {string} name */
function lockPath(name) {
  const id = `onechart-${process.getuid?.() ?? ''}-${createHash('sha256').update(name).digest('hex').slice(0, 24)}`;
  if (process.platform === 'linux') return `\0${id}`;
  if (process.platform === 'win32') return `\\\\.\\pipe\\${id}`;
  const folder = join(tmpdir(), 'onechart-locks');
  mkdirSync(folder, { recursive: true });
  return join(folder, id);
}

/** @param {string} path */
function tryListen(path) {
  return new Promise((resolve, reject) => {
    /** @type {Set<import('node:net').Socket>} */
    const waiting = new Set();
    const server = createServer((socket) => {
      waiting.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => waiting.delete(socket));
    });
    server.on('release', () => {
      for (const socket of waiting) socket.destroy();
    });
    server.once('error', (/** @type {NodeJS.ErrnoException} */ error) => (error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error)));
    server.listen(path, () => resolve(server));
  });
}

/** @param {string} path */
function holderGone(path) {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on('error', (/** @type {NodeJS.ErrnoException} */ error) => {
      // Only where the lock is a file can nobody listen behind it.
      if (error.code === 'ECONNREFUSED' && !path.startsWith('\0')) rmSync(path, { force: true });
    });
    socket.on('close', () => resolve(undefined));
  });
}
