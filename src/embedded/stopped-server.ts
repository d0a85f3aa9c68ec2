import { readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../base/errors.ts';
import { readState, type ServerState } from './home.ts';
import { livingPostmaster, startAlone } from './index.ts';
import { alone } from './lock.ts';
import { stopServer } from './server.ts';

// The server stopped for a piece of work, and started again whatever becomes of it.

/** How long a server may take to write to disk what it has, or to start on what it finds. */
export const stopTimeoutMs = 60_000;

/** Written before the server is stopped by us and removed when it runs again: a killed run is seen by it. */
const Interruption = z.object({ remove: z.string().optional() });
const interruptionFile = (home: string) => join(home, 'stopped-for-copy.json');

/**
 * Starts the server again that a killed copy or swap has left stopped, and removes its half copy. Called by whoever looks for the
 * embedded database; does nothing while such a run still works.
 */
export async function resumeAfterCopy(options: { home: string }): Promise<boolean> {
  const home = await realpath(options.home).catch(() => undefined);
  if (home === undefined || (await readInterruption(home)) === undefined) return false;
  // Who holds this lock may be the very run that wrote the file: it removes it before it lets go.
  return alone(home, async () => {
    const left = await readInterruption(home);
    if (left === undefined) return false;
    if (left.remove !== undefined) await rm(left.remove, { recursive: true, force: true });
    await startAlone({ home });
    await rm(interruptionFile(home), { force: true });
    return true;
  });
}

/** Does the work while no server runs on the home's data folder. `remove` is what the next command removes when this one is killed. */
export async function whileStopped<T>(home: string, state: ServerState, left: z.infer<typeof Interruption>, work: () => Promise<T>): Promise<T> {
  const pid = await livingPostmaster(state.dataFolder);
  if (pid === undefined) return work();
  await writeFile(interruptionFile(home), JSON.stringify(left), { mode: 0o600, flush: true });
  // Told to stop, it will: whoever looks for it next starts it again, as the file stays.
  if (!(await stopServer({ pid, mode: 'fast', timeoutMs: stopTimeoutMs })))
    throw new AppError('busy', 'DATABASE_STOP_SLOW', `The embedded PostgreSQL of ${home} is still writing to disk. Run the same command again in a minute.`, {
      pid,
    });
  try {
    return await work();
  } finally {
    await startAlone({ home });
    await rm(interruptionFile(home), { force: true });
  }
}

async function readInterruption(home: string): Promise<z.infer<typeof Interruption> | undefined> {
  const text = await readFile(interruptionFile(home), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return Interruption.parse(JSON.parse(text));
  } catch {
    // Cut off while it was written: the server had not been stopped yet, and starting it again does no harm.
    return {};
  }
}

/** A home with a server in it, by its real path. Errors: `DATABASE_NOT_RUNNING`. */
export async function existingHome(path: string): Promise<{ home: string; state: ServerState }> {
  const home = await realpath(path).catch(() => path);
  const state = await readState(home);
  if (state) return { home, state };
  throw new AppError('unavailable', 'DATABASE_NOT_RUNNING', `No embedded PostgreSQL runs in ${home}. Start it with \`onechart db start\`.`, { home });
}
