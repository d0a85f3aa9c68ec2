import { AppError } from '../base/errors.ts';
import type { Ctx } from '../db/context.ts';
import type { ImportRun } from './import.schema.ts';
import { findRun, listRuns } from './import.store.ts';

/** The latest imports, newest first. */
export async function listImports(ctx: Ctx, limit = 50): Promise<ImportRun[]> {
  return listRuns(ctx.db, limit);
}

/** One import with the settings that it reads with. Errors: `IMPORT_NOT_FOUND`. */
export async function getImport(ctx: Ctx, id: string): Promise<ImportRun & { settings: unknown }> {
  const found = await findRun(ctx.db, id);
  if (!found) throw new AppError('not-found', 'IMPORT_NOT_FOUND', 'No import has this id. List them with: onechart import list', { id });
  return found;
}
