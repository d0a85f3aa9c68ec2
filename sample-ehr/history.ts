import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type IdType = 'uuid' | 'text';

/** One directory of `prisma/migrations`. */
export interface HostMigration {
  /** The whole directory name, as Prisma records it. */
  readonly name: string;
  readonly sql: string;
  /** SHA-256 of the file's text in hex, as Prisma records it. */
  readonly checksum: string;
}

const prismaFolder = join(import.meta.dirname, 'prisma');

/** The sample EHR's own migration history, oldest first, in the wanted id type. */
export function hostMigrations(idType: IdType = 'uuid'): HostMigration[] {
  const folder = join(prismaFolder, 'migrations');
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()
    .map((name) => {
      const sql = idTypeOfSql(readFileSync(join(folder, name, 'migration.sql'), 'utf8'), idType);
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    });
}

/** The sample EHR's `schema.prisma`, in the wanted id type. */
export function hostPrismaSchema(idType: IdType = 'uuid'): string {
  const schema = readFileSync(join(prismaFolder, 'schema.prisma'), 'utf8');
  return idType === 'uuid'
    ? schema
    : schema.replaceAll(' @db.Uuid', '').replaceAll('dbgenerated("gen_random_uuid()")', 'dbgenerated("(gen_random_uuid())::text")');
}

/** Rewrites SQL of UUID keys for a host whose ids are text, as Prisma's plain `String @id` makes them. */
export function idTypeOfSql(sql: string, idType: IdType): string {
  return idType === 'uuid' ? sql : sql.replaceAll(/\bUUID\b/g, 'TEXT').replaceAll('DEFAULT gen_random_uuid()', 'DEFAULT (gen_random_uuid())::text');
}

/** Writes the Prisma folder of such a host, as it would lie in its repository, into an existing directory. */
export function writeHostPrismaFolder(directory: string, idType: IdType = 'uuid'): void {
  writeFileSync(join(directory, 'schema.prisma'), hostPrismaSchema(idType));
  for (const migration of hostMigrations(idType)) {
    mkdirSync(join(directory, 'migrations', migration.name), { recursive: true });
    writeFileSync(join(directory, 'migrations', migration.name, 'migration.sql'), migration.sql);
  }
  writeFileSync(join(directory, 'migrations', 'migration_lock.toml'), readFileSync(join(prismaFolder, 'migrations', 'migration_lock.toml')));
}

/** The table of Prisma's history, column for column as Prisma creates it. */
export const prismaHistoryTable = `CREATE TABLE "_prisma_migrations" (
    "id"                    VARCHAR(36) PRIMARY KEY NOT NULL,
    "checksum"              VARCHAR(64) NOT NULL,
    "finished_at"           TIMESTAMPTZ,
    "migration_name"        VARCHAR(255) NOT NULL,
    "logs"                  TEXT,
    "rolled_back_at"        TIMESTAMPTZ,
    "started_at"            TIMESTAMPTZ NOT NULL DEFAULT now(),
    "applied_steps_count"   INTEGER NOT NULL DEFAULT 0
)`;

/** The instant in a migration's name: `20240311090000_init` was made on 2024-03-11 at 09:00 UTC. */
export function migrationTime(name: string): Date {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)_/.exec(name) ?? [];
  return new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}
