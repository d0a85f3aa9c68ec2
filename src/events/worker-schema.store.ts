import { sql } from 'kysely';
import type { Db } from '../db/context.ts';

/** The schema of the job queue, which graphile-worker makes and changes itself: one for each registry of a database. */
export async function findWorkerSchema(db: Db): Promise<{ name: string; installed: boolean }> {
  const { rows } = await sql<{ name: string; installed: boolean }>`
    select name, pg_catalog.to_regclass(pg_catalog.format('%I.migrations', name)) is not null as installed
    from (select case current_schema() when 'public' then 'onechart_worker' else 'onechart_worker_' || current_schema() end as name) s`.execute(db);
  return rows[0] ?? { name: 'onechart_worker', installed: false };
}

/**
 * What the server's role needs to work with the queue. The queue's tables have row security without policies, so that only their
 * owner sees rows; hence a policy for each of them.
 */
export async function grantWorkerSchema(db: Db, schema: string): Promise<void> {
  const { rows } = await sql<{ exists: boolean }>`select exists (select from pg_catalog.pg_roles where rolname = 'onechart_app') as exists`.execute(db);
  if (rows[0]?.exists !== true) return;
  const name = sql.id(schema);
  await sql`grant usage on schema ${name} to onechart_app`.execute(db);
  await sql`grant select, insert, update, delete on all tables in schema ${name} to onechart_app`.execute(db);
  await sql`grant usage, select on all sequences in schema ${name} to onechart_app`.execute(db);
  await sql`grant execute on all functions in schema ${name} to onechart_app`.execute(db);
  const { rows: closed } = await sql<{ table: string }>`
    select c.relname as table from pg_catalog.pg_class c where c.relnamespace = ${schema}::regnamespace and c.relkind = 'r' and c.relrowsecurity
      and not exists (select from pg_catalog.pg_policy p where p.polrelid = c.oid and p.polname = 'onechart_app')`.execute(db);
  for (const { table } of closed) await sql`create policy onechart_app on ${name}.${sql.id(table)} to onechart_app using (true) with check (true)`.execute(db);
}

export async function dropWorkerSchema(db: Db, schema: string): Promise<void> {
  await sql`drop schema if exists ${sql.id(schema)} cascade`.execute(db);
}
