import { parseDatabaseUrl } from '../../src/base/config.ts';
import { applyMigration } from '../../src/migrate/index.ts';

/**
 * A migration that is cut off: `migrate-until.ts <url> <n> [milliseconds]` applies and ends itself with SIGKILL at its
 * n-th event, or that much later, when the statement of a step that has just started is with the server.
 * With n = 0 it runs to its end and prints the name of every event, a line each.
 */
const [url = '', nth = '0', later = '0'] = process.argv.slice(2);
const names: string[] = [];
const die = () => process.kill(process.pid, 'SIGKILL');

await applyMigration({
  address: parseDatabaseUrl(url),
  noBackup: true,
  onEvent: (event) => {
    if (event.type === 'step-retried' || event.type === 'waiting-for-lock') return;
    names.push(`${event.type} ${'step' in event ? event.step.key : 'name' in event ? event.name : ''}`.trim());
    if (names.length !== Number(nth)) return;
    if (event.type === 'step-started' && Number(later) >= 0) setTimeout(die, Number(later));
    else die();
  },
});
if (nth === '0') process.stdout.write(`${names.join('\n')}\n`);
