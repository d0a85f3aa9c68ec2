import { parseDatabaseUrl } from '../../src/base/config.ts';
import {
  adoptOrphans,
  applyMigration,
  importRows,
  type MigrateEvent,
  nullOrphans,
  quarantineOrphans,
  rollbackMigration,
  undoOrphans,
} from '../../src/migrate/index.ts';

/**
 * A run that is cut off: `migrate-until.ts <url> <n> [milliseconds] [command] [argument]` ends itself with SIGKILL at its
 * n-th event, or that much later, when the statement of a step that has just started is with the server.
 * With n = 0 it runs to its end and prints the name of every event, a line each. The command is `apply` unless one is given.
 */
const [url = '', nth = '0', later = '0', command = 'apply', argument = ''] = process.argv.slice(2);
const names: string[] = [];
const die = () => process.kill(process.pid, 'SIGKILL');
const onEvent = (event: MigrateEvent) => {
  if (event.type === 'step-retried' || event.type === 'waiting-for-lock') return;
  names.push(`${event.type} ${'step' in event ? event.step.key : 'name' in event ? event.name : ''}`.trim());
  if (names.length !== Number(nth)) return;
  if (event.type === 'step-started' && Number(later) >= 0) setTimeout(die, Number(later));
  else die();
};

const address = parseDatabaseUrl(url);
const commands: Record<string, () => Promise<unknown>> = {
  apply: () => applyMigration({ address, noBackup: true, onEvent }),
  rollback: () => rollbackMigration({ address, exportTo: argument, onEvent }),
  'rollback-discarding': () => rollbackMigration({ address, discardData: true, onEvent }),
  import: () => importRows({ address, from: argument, onEvent }),
  'apply-adopting': () => applyMigration({ address, noBackup: true, orphans: 'adopt', onEvent }),
  // The argument names the link tables.
  adopt: () => adoptOrphans({ address, tables: argument.split(','), batchRows: 20, onEvent }),
  quarantine: () => quarantineOrphans({ address, tables: argument.split(','), batchRows: 20, onEvent }),
  null: () => nullOrphans({ address, tables: argument.split(','), batchRows: 20, onEvent }),
  undo: () => undoOrphans({ address, batchRows: 20, onEvent }),
};
await commands[command]?.();
if (nth === '0') process.stdout.write(`${names.join('\n')}\n`);
