import { createHash } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Runs work alone on this machine among all processes that name the same folder. The lock is a listening socket: the kernel
 * frees it when its holder ends, kill -9 included, so there is no stale lock to judge. Who waits holds a connection and is
 * told by its end. (scripts/lock.mjs is the same in plain JavaScript, for the time before there is a Node that runs this file.)
 */
export async function alone<Result>(folder: string, work: () => Promise<Result>): Promise<Result> {
  const path = lockPath(folder);
  for (;;) {
    const lock = await tryListen(path);
    if (lock === undefined) {
      await holderGone(path);
      continue;
    }
    try {
      return await work();
    } finally {
      await lock.release();
    }
  }
}

function lockPath(folder: string): string {
  const id = `onechart-db-${process.getuid?.() ?? ''}-${createHash('sha256').update(folder).digest('hex').slice(0, 24)}`;
  // Linux: an abstract name, which is no file and needs no clearing away (unix(7)).
  if (process.platform === 'linux') return `\0${id}`;
  if (process.platform === 'win32') return `\\\\.\\pipe\\${id}`;
  const locks = join(tmpdir(), 'onechart-locks');
  mkdirSync(locks, { recursive: true });
  return join(locks, id);
}

function tryListen(path: string): Promise<{ release: () => Promise<void> } | undefined> {
  return new Promise((resolve, reject) => {
    const waiting = new Set<Socket>();
    const server: Server = createServer((socket) => {
      waiting.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => waiting.delete(socket));
    });
    const release = () =>
      new Promise<void>((released) => {
        server.close(() => released());
        for (const socket of waiting) socket.destroy();
      });
    server.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error)));
    server.listen(path, () => resolve({ release }));
  });
}

function holderGone(path: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // Only where the lock is a file can nobody listen behind it.
      if (error.code === 'ECONNREFUSED' && !path.startsWith('\0')) rmSync(path, { force: true });
    });
    socket.on('close', () => resolve());
  });
}
