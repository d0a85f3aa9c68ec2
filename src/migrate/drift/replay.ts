import type pg from 'pg';
import type { DatabaseAddress } from '../../base/config.ts';
import { AppError } from '../../base/errors.ts';
import { assertMayCreate, connectAdmin, describeDatabase, scratchPrefix, withScratch } from '../backup/scratch.ts';
import type { MigrationFile } from '../module/index.ts';
import { connect } from '../session.ts';
import { quote, row, sqlstate } from '../sql.ts';
import { parseMigration } from '../statement.ts';

interface ReplayOptions {
  /** The live database, whose server lends room for the replay when no other place is given. */
  readonly address: DatabaseAddress;
  readonly live: pg.ClientBase;
  /** An empty database to use instead. */
  readonly place: DatabaseAddress | undefined;
  readonly files: readonly MigrationFile[];
}

/**
 * Runs migrations from the first to the last in an empty database and lets `work` look at what they made.
 *
 * Errors: `SCRATCH_DATABASE_DENIED` where the role may not create databases, `SHADOW_DATABASE_NOT_EMPTY`, `MIGRATION_NOT_REPLAYABLE`.
 */
export async function withReplay<T>({ address, live, place, files }: ReplayOptions, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const replayIn = async (target: DatabaseAddress) => {
    const client = await connect({ ...target, schema: address.schema });
    try {
      await client.query(`CREATE SCHEMA IF NOT EXISTS ${quote(address.schema)}`);
      for (const file of files) await replay(client, file, address.schema);
      return await work(client);
    } finally {
      await client.end();
    }
  };
  if (place) {
    await assertEmpty(place);
    return replayIn(place);
  }
  const admin = await connectAdmin(address);
  try {
    await assertMayCreate(admin, address, 'Let an administrator run ALTER ROLE … CREATEDB, or name an empty database with --shadow-url.');
    return await withScratch({ admin, server: address, like: await describeDatabase(live), prefix: scratchPrefix(address.database) }, replayIn);
  } finally {
    await admin.end();
  }
}

/** Statement by statement: CONCURRENTLY and new enum labels want transactions of their own. */
async function replay(client: pg.Client, file: MigrationFile, home: string): Promise<void> {
  for (const { text, number } of await parseMigration(file.name, file.sql, home)) {
    try {
      await client.query(text);
    } catch (cause) {
      throw new AppError(
        'operator',
        'MIGRATION_NOT_REPLAYABLE',
        `Statement ${number} of "${file.name}" fails in an empty database (SQLSTATE ${sqlstate(cause)}), so the migrations do not describe one. It needs something that no migration makes: an extension, a role, rows.`,
        { migration: file.name, statement: number, sqlstate: sqlstate(cause) },
        { cause },
      );
    }
  }
}

async function assertEmpty(place: DatabaseAddress): Promise<void> {
  const client = await connect(place);
  try {
    const { some } = await row<{ some: boolean }>(
      client,
      `SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema') AS some`,
    );
    if (some)
      throw new AppError(
        'unsafe',
        'SHADOW_DATABASE_NOT_EMPTY',
        `The database "${place.database}" of --shadow-url is not empty. Name an empty one; it is filled with the migrations and left so.`,
        { database: place.database },
      );
  } finally {
    await client.end();
  }
}
