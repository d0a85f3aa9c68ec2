import { accessSync, constants, readFileSync, statfsSync } from 'node:fs';
import { freemem, tmpdir } from 'node:os';

/**
 * Where test data lives that nothing has to survive: a file system in memory when this machine has a roomy one, else the folder for temporary files.
 *
 * Clones of databases create and remove some 300 files each. On ext4 that costs more than the tests themselves: it walks past the numbers of files
 * that were removed in the last seconds, one by one (half of the time of the whole suite on a quiet machine of 2 cores went there).
 */
export function memoryFolder(): string {
  return usable() ? shared : tmpdir();
}

/** Every folder that `memoryFolder` may name. */
export const memoryFolders: readonly string[] = [...new Set(process.platform === 'linux' ? ['/dev/shm', tmpdir()] : [tmpdir()])];

const shared = '/dev/shm';
/** Two servers and two embedded databases with their copies take less than 2 GB at their highest. */
const room = 4 * 1024 ** 3;

function usable(): boolean {
  if (process.platform !== 'linux') return false;
  try {
    const mount = readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' '))
      .findLast(([, folder]) => folder === shared);
    // In a container it is often 64 MB; programs are run from below it where the server's account cannot reach node_modules.
    if (mount?.[2] !== 'tmpfs' || mount[3]?.split(',').some((option) => option === 'noexec' || option === 'ro')) return false;
    accessSync(shared, constants.W_OK | constants.X_OK);
    const { bavail, bsize } = statfsSync(shared);
    return bavail * bsize >= room && freemem() >= room;
  } catch {
    return false;
  }
}
