import type pg from 'pg';
import { journalExists } from '../journal.ts';
import { rows } from '../sql.ts';

/** An export that this database announced and whose rows it did not drop: they stayed in their tables, and may have changed since. */
export async function wasCutOff(client: pg.ClientBase, id: string): Promise<boolean> {
  if (!(await journalExists(client))) return false;
  const found = await rows(client, `SELECT FROM onechart.migration_runs WHERE details -> 'export' ->> 'id' = $1 AND NOT details ? 'exported'`, [id]);
  return found.length > 0;
}
