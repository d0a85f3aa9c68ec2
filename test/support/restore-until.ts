import { parseDatabaseUrl } from '../../src/base/config.ts';
import { restoreBackup } from '../../src/migrate/backup/index.ts';

/**
 * A restore that is cut off: `restore-until.ts <url> <file> <to> <checkpoint>` restores with a swap and ends itself with SIGKILL at
 * this checkpoint; `bytes` is the moment when pg_restore has been given the first of them.
 */
const [url = '', file = '', to = '', checkpoint = ''] = process.argv.slice(2);
const die = () => process.kill(process.pid, 'SIGKILL');

await restoreBackup(file, {
  address: parseDatabaseUrl(url),
  to,
  swap: true,
  onProgress: ({ phase }) => {
    if (checkpoint === 'bytes' && phase === 'restore') die();
  },
  onCheckpoint: (name) => {
    if (name === checkpoint) die();
  },
});
