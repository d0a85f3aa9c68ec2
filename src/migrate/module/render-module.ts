import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AppError } from '../../base/errors.ts';
import type { HostLinkTable, HostProfile } from './host.ts';
import { quoteRelation, splitRelation } from '../relation.ts';
import { quote } from '../sql.ts';
import { prismaName } from './prisma-names.ts';

/** One migration as Prisma keeps it: a folder `<name>` with a `migration.sql`. */
export interface MigrationFile {
  readonly name: string;
  readonly sql: string;
  /** Hex SHA-256 of the text, as in `_prisma_migrations.checksum`. */
  readonly checksum: string;
}

/** The first of the module's migrations; also how the folder of the committed ones is recognised. */
export const firstMigrationName = '20260103000000_add_patient_module';
/** Depends on the host's indexes alone, so it is written for each host and not kept as a file. */
export const linkIndexMigrationName = '20260103000500_index_link_tables';

/**
 * The module's migrations as this host needs them, in order.
 *
 * The committed files are the source: for the default host they come out byte for byte. For others only three things differ:
 * the type of id columns, the keys that touch host tables, and the indexes on host tables.
 */
export function renderModule(profile: HostProfile): MigrationFile[] {
  const files = readModuleFiles().map(({ name, sql }) => migrationFile(name, renderForHost(name, sql, profile)));
  const linkIndexes = renderLinkIndexes(profile.linkTables.filter((link) => !link.indexed));
  if (linkIndexes) files.push(linkIndexes);
  return files.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Indexes on link columns that have none; undefined when there is nothing to index. */
export function renderLinkIndexes(links: readonly HostLinkTable[]): MigrationFile | undefined {
  if (links.length === 0) return undefined;
  const names = links.map((link) => prismaName(bareName(link), [link.column], '_idx'));
  const schemas = links.map((link) => splitRelation(link.table, '').schema);
  const twice = names.find((name, at) => names.some((other, before) => before < at && other === name && schemas[before] === schemas[at]));
  if (twice !== undefined) {
    throw new AppError(
      'unsupported',
      'LINK_INDEX_NAME_TAKEN',
      `Two link columns would get an index of the same name, ${twice}, because names end after 63 bytes. Create an index on one of them yourself.`,
      { name: twice },
    );
  }
  const statements = links.map(
    (link, at) =>
      `-- CreateIndex\n-- Serves: the rows of a patient; the check of the foreign key when a patient is touched.\nCREATE INDEX ${quote(names[at] as string)} ON ${quoteRelation(link.table)}(${quote(link.column)});\n`,
  );
  return migrationFile(linkIndexMigrationName, statements.join('\n'));
}

/** A migration with its checksum. */
export function migrationFile(name: string, sql: string): MigrationFile {
  return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
}

/** Where the committed files are: beside `src/` in a checkout, beside `dist/` in the package. */
export function moduleMigrationsFolder(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const candidate = join(folder, 'prisma', 'migrations');
    if (existsSync(join(candidate, firstMigrationName, 'migration.sql'))) return candidate;
    if (dirname(folder) === folder) {
      throw new AppError('unavailable', 'MODULE_MIGRATIONS_MISSING', 'The folder prisma/migrations of OneChart is not there. Install the package again.', {
        name: firstMigrationName,
      });
    }
  }
}

/** The names of all the module's migrations, those that not every host gets among them. */
export function moduleMigrationNames(): string[] {
  return [...committedNames(moduleMigrationsFolder()), linkIndexMigrationName].sort();
}

function committedNames(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
}

function readModuleFiles(): { name: string; sql: string }[] {
  const folder = moduleMigrationsFolder();
  return committedNames(folder).map((name) => ({ name, sql: readFileSync(join(folder, name, 'migration.sql'), 'utf8') }));
}

function renderForHost(name: string, sql: string, profile: HostProfile): string {
  let text = renderIdTypes(name, sql, profile);
  if (name === firstMigrationName) text = renderLinkKeys(text, profile.linkTables);
  return renderUserKeys(text, profile.usersTable);
}

/** A column of a CREATE TABLE or an ADD COLUMN, which Prisma writes on a line of its own. */
const uuidColumn = /^((?: {4}|(?:ALTER TABLE "\w+" )?ADD COLUMN {5})"(\w+)" )UUID\b(.*)$/gm;

/** Columns that hold the id of a user of the host, with or without a foreign key. */
export function isUserColumn(column: string): boolean {
  return /(?:By|[uU]serId)$/.test(column);
}

function renderIdTypes(name: string, sql: string, profile: HostProfile): string {
  const text = sql.replace(uuidColumn, (line: string, head: string, column: string, rest: string) => {
    const type = isUserColumn(column) ? profile.userIdType : profile.idType;
    return type === 'uuid' ? line : `${head}TEXT${rest.replace('gen_random_uuid()', 'gen_random_uuid()::text')}`;
  });
  const uuidLeft = withoutComments(text).match(/\bUUID\b|::uuid\b/i);
  if (uuidLeft && profile.idType === 'text' && profile.userIdType === 'text') {
    throw new AppError('internal', 'MODULE_RENDERING_FAILED', `Migration ${name} names the type UUID where it cannot be rendered for a host with text ids.`, {
      name,
    });
  }
  return text;
}

/** The section of the first migration that ties the default link tables to patients; all statements stand together. */
const linkKeys =
  /(?:-- AddForeignKey\nALTER TABLE "(?!patient_contacts|patient_documents|patient_allergies|patient_risk_flags|patient_merge_history|patients")\w+" ADD CONSTRAINT "\w+" FOREIGN KEY \("\w+"\) REFERENCES "patients"\("id"\) ON DELETE RESTRICT ON UPDATE CASCADE;\n\n)+/g;

function renderLinkKeys(sql: string, links: readonly HostLinkTable[]): string {
  const sections = sql.match(linkKeys)?.length ?? 0;
  if (sections !== 1) throw new AppError('internal', 'MODULE_RENDERING_FAILED', 'The first migration has lost its section of link table keys.', { sections });
  return sql.replace(linkKeys, () => links.map(renderLinkKey).join(''));
}

function renderLinkKey(link: HostLinkTable): string {
  const name = prismaName(bareName(link), [link.column], '_fkey');
  return `-- AddForeignKey\nALTER TABLE ${quoteRelation(link.table)} ADD CONSTRAINT ${quote(name)} FOREIGN KEY (${quote(link.column)}) REFERENCES "patients"("id") ON DELETE RESTRICT ON UPDATE CASCADE;\n\n`;
}

/** Names of keys and indexes are made of the table's own name, as Prisma makes them in every schema. */
function bareName({ table }: HostLinkTable): string {
  return splitRelation(table, '').name;
}

const userKey =
  /-- AddForeignKey\nALTER TABLE "\w+" ADD CONSTRAINT "\w+" FOREIGN KEY \("\w+"\) REFERENCES "users"\("id"\) ON DELETE SET NULL ON UPDATE CASCADE;\n\n?/g;

function renderUserKeys(sql: string, usersTable: string | undefined): string {
  if (usersTable === 'users') return sql;
  if (usersTable === undefined) return sql.replace(userKey, '');
  return sql.replace(userKey, (statement) => statement.replace('REFERENCES "users"("id")', () => `REFERENCES ${quoteRelation(usersTable)}("id")`));
}

function withoutComments(sql: string): string {
  return sql.replace(/^\s*--.*$/gm, '').replace(/'(?:[^']|'')*'/g, "''");
}
