import { readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { DatabaseAddress } from '../base/config.ts';
import type { Account } from './account.ts';
import { prepareBinaries } from './binaries.ts';
import { copyFolder } from './copied-files.ts';
import { logFile, readPassword, withFolderErrors } from './home.ts';
import { accountFor, addressOf, livingPostmaster } from './index.ts';
import { freePort, isAlive, launchServer, postmasterPid, stopServer } from './server.ts';
import { existingHome, stopTimeoutMs } from './stopped-server.ts';

// A second server beside the live one, on a copy, to look whether a copy is a database.

/**
 * Starts a second server on a copy of the copy, on a free port of 127.0.0.1, calls `inspect` with its address, and stops it. The copy itself
 * is only read: a server that starts on a folder changes it.
 */
export async function withServerOnCopy<T>(options: { home: string; copy: string }, inspect: (address: DatabaseAddress) => Promise<T>): Promise<T> {
  const { home, state } = await existingHome(options.home);
  const folder = dirname(state.dataFolder);
  await removeProofs(folder);
  const proof = join(folder, `proof-${process.pid}`);
  const account = await accountFor(state.dataFolder);
  try {
    await withFolderErrors(folder, () => copyFolder(options.copy, proof, { sums: false, account }));
    return await withServerOn({ home, dataFolder: proof, account }, inspect);
  } finally {
    await rm(proof, { recursive: true, force: true });
  }
}

/** The same on the folder itself, which the server then changes. */
export async function withServerOn<T>(
  options: { home: string; dataFolder: string; account: Account | undefined },
  inspect: (address: DatabaseAddress) => Promise<T>,
): Promise<T> {
  const { home, dataFolder, account } = options;
  const password = (await readPassword(home)) ?? '';
  const server = await launchServer({
    binaries: await prepareBinaries({ workFolder: dirname(dataFolder), account }),
    account,
    dataFolder,
    port: await freePort(),
    password,
    logFile: `${logFile(home)}.proof`,
    // Nothing of it has to survive, and what it says must not hold rows.
    settings: { cluster_name: 'onechart proof', fsync: 'off', timezone: 'UTC', log_min_error_statement: 'panic', log_error_verbosity: 'terse' },
    detached: false,
    timeoutMs: stopTimeoutMs,
  });
  try {
    return await inspect(addressOf(server.port, password));
  } finally {
    await stopServer({ pid: server.pid, mode: 'fast', timeoutMs: stopTimeoutMs });
  }
}

/** A proof that was killed leaves its folder, and maybe its server, behind. */
async function removeProofs(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = /^proof-(\d+)$/.exec(name)?.[1];
    if (pid === undefined || (isAlive(Number(pid)) && Number(pid) !== process.pid)) continue;
    await endServerOn(join(folder, name));
    await rm(join(folder, name), { recursive: true, force: true });
  }
}

/** Ends a server that a killed proof has left on a folder. */
export async function endServerOn(dataFolder: string): Promise<void> {
  if ((await postmasterPid(dataFolder)) === undefined) return;
  const pid = await livingPostmaster(dataFolder);
  if (pid !== undefined) await stopServer({ pid, mode: 'immediate', timeoutMs: 20_000 });
}
