import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { AppError } from '../../base/errors.ts';
import type { LintFile } from './script.ts';

/** The files of a folder in the order in which they are applied, and which of them were asked for. */
export interface LintFolder {
  readonly files: readonly LintFile[];
  /** Names to report on; the others come before and say what is live. */
  readonly only: ReadonlySet<string>;
}

/**
 * Finds migrations: a Prisma folder (with `migrations/`), a migrations folder, the folder of one migration, a folder
 * of `.sql` files, or one `.sql` file. Of one migration of a Prisma folder the earlier ones are read as well, because
 * they say which tables are live.
 *
 * Errors: `LINT_PATH_MISSING`, `LINT_FILES_MISSING` (not-found).
 */
export function readLintFolder(path: string): LintFolder {
  if (!existsSync(path))
    throw new AppError('not-found', 'LINT_PATH_MISSING', `There is no file or folder ${path}. Name a Prisma folder, a folder of migrations or a .sql file.`, {
      path,
    });
  if (statSync(path).isFile()) return basename(path) === 'migration.sql' && isMigration(dirname(path)) ? upTo(dirname(path)) : single(path);
  if (isMigration(path)) return upTo(path);
  const folder = existsSync(join(path, 'migrations')) ? join(path, 'migrations') : path;
  const files = [...migrationsOf(folder)];
  if (files.length === 0) files.push(...sqlFilesOf(folder));
  if (files.length === 0)
    throw new AppError('not-found', 'LINT_FILES_MISSING', `${folder} holds neither migrations of Prisma (<name>/migration.sql) nor .sql files.`, {
      path: folder,
    });
  return { files, only: new Set(files.map(({ name }) => name)) };
}

function isMigration(folder: string): boolean {
  return existsSync(join(folder, 'migration.sql'));
}

function upTo(folder: string): LintFolder {
  const name = basename(folder);
  const siblings = migrationsOf(dirname(folder)).filter((each) => each.name <= name);
  return { files: siblings, only: new Set([name]) };
}

function single(file: string): LintFolder {
  return { files: [{ file, name: basename(file), sql: readFileSync(file, 'utf8') }], only: new Set([basename(file)]) };
}

function migrationsOf(folder: string): LintFile[] {
  return names(folder).flatMap((name) => {
    const file = join(folder, name, 'migration.sql');
    return existsSync(file) ? [{ file, name, sql: readFileSync(file, 'utf8') }] : [];
  });
}

function sqlFilesOf(folder: string): LintFile[] {
  return names(folder).flatMap((name) => (name.endsWith('.sql') ? [{ file: join(folder, name), name, sql: readFileSync(join(folder, name), 'utf8') }] : []));
}

function names(folder: string): string[] {
  return readdirSync(folder).toSorted((left, right) => (left < right ? -1 : 1));
}
