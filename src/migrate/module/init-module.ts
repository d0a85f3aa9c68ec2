import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { AppError } from '../../base/errors.ts';
import type { HostProfile } from './host.ts';
import { type ModelAddition, renderPatientModels } from './patient-models.ts';
import { readPrismaModels } from './prisma-schema.ts';
import { firstMigrationName, renderModule } from './render-module.ts';

export interface InitResult {
  /** Files written now, relative to the host's Prisma folder. */
  readonly written: readonly string[];
  /** Files that were there already, just so. */
  readonly unchanged: readonly string[];
  /** What a person adds to the host's own models. */
  readonly additions: readonly ModelAddition[];
  /** Sentences a person should read. */
  readonly notes: readonly string[];
}

const modelFile = 'patient.prisma';

/**
 * Writes the module's migrations and models into a host's Prisma folder. Nothing that differs is overwritten, and nothing is written
 * when anything differs; a second run changes nothing.
 */
export async function initModule(options: { readonly dir: string; readonly profile: HostProfile }): Promise<InitResult> {
  const { dir, profile } = options;
  const schemaFiles = await findSchemaFiles(dir);
  const others = schemaFiles.filter((file) => basename(file) !== modelFile);
  if (others.length === 0)
    throw new AppError('not-found', 'HOST_SCHEMA_MISSING', `There is no *.prisma file in ${dir}. Give the Prisma folder of the host with --dir.`, { dir });
  const texts = await Promise.all(others.map((file) => readFile(file, 'utf8')));
  const hostModels = texts.flatMap(readPrismaModels);
  // A schema of several files is the folder around the datasource, which need not be `dir` itself.
  const main = others[
    Math.max(
      0,
      texts.findIndex((each) => /^\s*datasource\s/m.test(each)),
    )
  ] as string;
  const modelPath = join(relative(dir, dirname(main)), modelFile);
  const { text, additions } = renderPatientModels(profile, hostModels);

  const names = await migrationNames(join(dir, 'migrations'));
  const files = new Map<string, string>(renderModule(profile).map(({ name, sql }) => [join('migrations', names.place(name), 'migration.sql'), sql]));
  files.set(modelPath, text);
  if (!existsSync(join(dir, 'migrations', 'migration_lock.toml')))
    files.set(join('migrations', 'migration_lock.toml'), '# Prisma: keep this file under version control.\nprovider = "postgresql"\n');

  const { missing, unchanged } = await compare(dir, files);
  for (const [path, content] of missing) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), content, { flag: 'wx' });
  }
  return { written: missing.map(([path]) => path), unchanged, additions, notes: [...names.notes, ...schemaFolderNote(dir, others)] };
}

async function compare(dir: string, files: ReadonlyMap<string, string>): Promise<{ missing: [string, string][]; unchanged: string[] }> {
  const missing: [string, string][] = [];
  const unchanged: string[] = [];
  const different: string[] = [];
  for (const [path, content] of files) {
    const present = existsSync(join(dir, path)) ? await readFile(join(dir, path), 'utf8') : undefined;
    if (present === undefined) missing.push([path, content]);
    // A checkout may have turned line ends; Prisma takes both for the same.
    else if (present.replaceAll('\r\n', '\n') === content) unchanged.push(path);
    else different.push(path);
  }
  if (different.length > 0) {
    throw new AppError(
      'conflict',
      'INIT_FILE_DIFFERS',
      `Nothing was written, because these files exist with another content: ${different.join(', ')}. Move them away, or keep them and leave init out.`,
      { files: different },
    );
  }
  return { missing, unchanged };
}

async function findSchemaFiles(dir: string): Promise<string[]> {
  if (!existsSync(dir))
    throw new AppError('not-found', 'HOST_FOLDER_MISSING', `There is no folder ${dir}. Give the Prisma folder of the host with --dir.`, { dir });
  const entries = await readdir(dir, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.prisma'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !/(?:^|[\\/])(?:migrations|node_modules)[\\/]/.test(relative(dir, path)))
    .sort();
}

/**
 * The migrations keep their names, so that hosts can be compared, unless the host's history goes on beyond them: Prisma applies in order
 * of names, and a fresh database of the host would then get our keys before its tables. In that case all move to the day after.
 */
async function migrationNames(folder: string): Promise<{ place(name: string): string; notes: string[] }> {
  const present = existsSync(folder)
    ? (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory() && /^\d{14}_/.test(entry.name)).map((entry) => entry.name)
    : [];
  const ours = present.find((name) => name.slice(14) === firstMigrationName.slice(14));
  const fixedDay = firstMigrationName.slice(0, 8);
  const latest = present.sort().at(-1);
  const day = ours !== undefined ? ours.slice(0, 8) : latest !== undefined && latest > firstMigrationName ? dayAfter(latest.slice(0, 8)) : fixedDay;
  const notes =
    day === fixedDay
      ? []
      : [`The host's history goes on to ${ours === undefined ? latest : 'a later day'}, so the module's migrations are dated ${day} to come after it.`];
  return { place: (name) => day + name.slice(8), notes: ours === undefined ? notes : [] };
}

function dayAfter(day: string): string {
  const date = new Date(`${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6, 8)}T00:00:00Z`);
  if (Number.isNaN(date.getTime()))
    throw new AppError(
      'unsupported',
      'HOST_MIGRATION_NAME',
      `The host's latest migration starts with ${day}, which is no date, so ours cannot be dated after it.`,
      { day },
    );
  return new Date(date.getTime() + 86_400_000).toISOString().slice(0, 10).replaceAll('-', '');
}

function schemaFolderNote(dir: string, files: readonly string[]): string[] {
  if (files.length !== 1) return [];
  const folder = basename(dir);
  return [
    `Prisma reads ${modelFile} only when the schema is the folder: set schema: '${folder}' in prisma.config.ts (or --schema ${folder}) instead of '${folder}/${basename(files[0] as string)}', and migrations.path: '${folder}/migrations'.`,
  ];
}
