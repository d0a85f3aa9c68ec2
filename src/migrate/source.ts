import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { AppError } from '../base/errors.ts';
import { recordedFiles } from './journal.ts';
import { type HostFinding, type HostOptions, type MigrationFile, migrationFile, moduleMigrationNames, readHostProfile, renderModule } from './module/index.ts';

/** Which migrations count for a database, and what was found out about the host on the way. */
export interface MigrationSource {
  /** Whether every migration the database may know has to be among the files. */
  readonly wholeFolder: boolean;
  readonly origin: 'host folder' | 'built in';
  /** In the order of their names, which is the order in which Prisma applies them. */
  readonly files: readonly MigrationFile[];
  readonly findings: readonly HostFinding[];
}

let ownNames: ReadonlySet<string> | undefined;

/**
 * Whether a migration is one of the patient module's, by its name without the day: `init` moves the day and keeps the time. The
 * committed folders are the list. Without the time a migration of the host, `add_accounts` for one, would pass for ours.
 */
export function isModuleMigration(name: string): boolean {
  ownNames ??= new Set(moduleMigrationNames().map((each) => each.slice(8)));
  return /^\d{14}_/.test(name) && ownNames.has(name.slice(8));
}

/**
 * Finds the migrations: in the host's Prisma folder when one is named (from `migrate init` on the host's
 * files are the ones that count), else rendered for this host. What was applied once stays as it was applied: the
 * recorded text counts, because the host has changed by it (an index that was missing is there now).
 */
export async function loadMigrations(
  client: pg.ClientBase,
  options: HostOptions & { dir?: string | undefined; onlyModule?: boolean | undefined },
): Promise<MigrationSource> {
  const folder = options.dir === undefined ? undefined : readMigrationsFolder(options.dir);
  const files = folder?.filter(({ name }) => !options.onlyModule || isModuleMigration(name));
  const hasModule = files?.some(({ name }) => isModuleMigration(name)) ?? true;
  if (options.dir !== undefined && options.onlyModule && !hasModule)
    throw new AppError(
      'not-found',
      'MODULE_MIGRATIONS_MISSING',
      `${options.dir} holds none of the patient module's migrations. Write them there with: onechart migrate init --dir ${options.dir}`,
      { folder: options.dir },
    );
  // A folder without the module says nothing about link tables, and nothing is asked of them.
  const { profile, findings } = hasModule ? await readHostProfile(client, options) : { profile: undefined, findings: [] };
  if (files) {
    const own = options.onlyModule ? [] : await appliedWithoutFolder(client, options.schema, files);
    return { origin: 'host folder', wholeFolder: !options.onlyModule, files: [...files, ...own].sort(byName), findings };
  }
  const recorded = await recordedFiles(client, options.schema);
  // By the part after the timestamp: `init` moves the timestamps of a host whose own history goes on beyond ours.
  const builtIn = new Map((profile ? renderModule(profile) : []).map((file) => [purposeOf(file.name), file]));
  for (const { name, sql, checksum } of recorded.filter(({ name }) => isModuleMigration(name))) builtIn.set(purposeOf(name), { name, sql, checksum });
  return { origin: 'built in', wholeFolder: false, files: [...builtIn.values()].sort(byName), findings };
}

/** The module's migrations that were applied as they are built in, before or without `init`: their text is in the journal. */
async function appliedWithoutFolder(client: pg.ClientBase, schema: string, files: readonly MigrationFile[]): Promise<MigrationFile[]> {
  const there = new Set(files.map(({ name }) => purposeOf(name)));
  const recorded = await recordedFiles(client, schema);
  return recorded.filter(({ name }) => isModuleMigration(name) && !there.has(purposeOf(name))).map(({ name, sql, checksum }) => ({ name, sql, checksum }));
}

/** Reads the migrations from `<dir>/migrations` (or from `<dir>` when it is that folder itself). */
export function readMigrationsFolder(dir: string): MigrationFile[] {
  const folder = existsSync(join(dir, 'migrations')) ? join(dir, 'migrations') : dir;
  if (!existsSync(folder))
    throw new AppError(
      'not-found',
      'MIGRATIONS_FOLDER_MISSING',
      `There is no folder ${folder}. Give the host's Prisma folder with --dir, or leave --dir out to use the built-in migrations.`,
      { folder },
    );
  const files = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && /^\d/.test(entry.name))
    .map((entry) => {
      const path = join(folder, entry.name, 'migration.sql');
      if (!existsSync(path))
        throw new AppError('not-found', 'MIGRATION_FILE_MISSING', `${path} is missing. Restore it from version control, or run onechart migrate init again.`, {
          path,
        });
      return migrationFile(entry.name, readFileSync(path, 'utf8'));
    })
    .sort(byName);
  if (files.length === 0)
    throw new AppError(
      'not-found',
      'MIGRATIONS_FOLDER_EMPTY',
      `${folder} holds no migration (a folder <timestamp>_<name> with a migration.sql). Write the patient module's there with: onechart migrate init --dir ${dir}`,
      { folder },
    );
  return files;
}

function purposeOf(name: string): string {
  return name.replace(/^\d+_/, '');
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
