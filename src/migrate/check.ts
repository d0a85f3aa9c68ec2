import type pg from 'pg';
import { AppError, type ErrorKind } from '../base/errors.ts';
import { type Assessment, type AssessedStatement, conflictsOf } from './assess.ts';
import { hazardKinds, isApproved } from './hazard.ts';
import type { HostFinding } from './module/index.ts';
import { quoteRelation } from './relation.ts';
import { touchedTables } from './shadow.ts';
import { quote, row, rows } from './sql.ts';

/** One thing the preflight looked at. A block stops plan and apply; `kind` decides the exit code. */
export interface Finding {
  readonly level: 'ok' | 'info' | 'warn' | 'block';
  readonly code: string;
  readonly message: string;
  readonly kind?: ErrorKind;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** What can be found out before the host's tables are looked at: version, writability, privileges, pooling. */
export async function checkServer(client: pg.ClientBase, schema: string): Promise<Finding[]> {
  const findings: Finding[] = [];
  const server = await row<{ number: number; version: string; readOnly: string; standby: boolean; schema: boolean }>(
    client,
    `SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS version, current_setting('transaction_read_only') AS "readOnly",
       pg_is_in_recovery() AS standby, to_regnamespace(quote_ident($1)) IS NOT NULL AS schema`,
    [schema],
  );
  if (server.number < 140000)
    findings.push({
      level: 'block',
      kind: 'unsupported',
      code: 'SERVER_TOO_OLD',
      message: `The server is PostgreSQL ${server.version}; OneChart needs 14 or newer. Upgrade the server first.`,
    });
  else findings.push({ level: 'ok', code: 'SERVER_VERSION', message: `PostgreSQL ${server.version}` });
  if (server.standby || server.readOnly === 'on') {
    findings.push({
      level: 'block',
      code: 'SERVER_READ_ONLY',
      message: server.standby
        ? 'This server is a standby and takes no writes. Give the address of the primary.'
        : 'Transactions on this database are read-only (default_transaction_read_only). Switch it off for this role or database, or give the address of the primary.',
    });
  }
  if (!server.schema) {
    findings.push({
      level: 'block',
      code: 'SCHEMA_MISSING',
      message: `There is no schema "${schema}" in this database. Name the schema of the host's tables with --schema or with ?schema= in the address.`,
    });
    return findings;
  }
  const pids = new Set<number>();
  for (let index = 0; index < 4; index += 1) pids.add((await row<{ pid: number }>(client, 'SELECT pg_backend_pid() AS pid')).pid);
  if (pids.size > 1)
    findings.push({
      level: 'block',
      code: 'POOLER_IN_TRANSACTION_MODE',
      message: 'The address leads to a pooler in transaction mode, where locks and settings of a session are lost. Give the address of the server itself.',
    });
  findings.push(...(await checkPrivileges(client, schema)), ...(await checkRoles(client)));
  const long = await rows<{ pid: number; seconds: number; application: string }>(
    client,
    `SELECT pid, round(extract(epoch FROM now() - xact_start))::int AS seconds, application_name AS application FROM pg_stat_activity WHERE datname = current_database() AND xact_start < now() - interval '1 minute' AND pid <> pg_backend_pid() AND backend_type = 'client backend' ORDER BY 2 DESC LIMIT 3`,
  );
  for (const each of long)
    findings.push({
      level: 'warn',
      code: 'LONG_TRANSACTION',
      message: `Process ${each.pid} (${each.application || 'unnamed program'}) has had a transaction open for ${each.seconds} s; locks and concurrent index builds will wait for it.`,
    });
  const [lag] = await rows<{ bytes: string }>(
    client,
    'SELECT max(pg_wal_lsn_diff(sent_lsn, replay_lsn))::text AS bytes FROM pg_stat_replication HAVING count(*) > 0',
  ).catch(() => []);
  if (lag?.bytes && Number(lag.bytes) > 64 * 1024 * 1024)
    findings.push({
      level: 'warn',
      code: 'REPLICATION_LAG',
      message: `A replica is ${Math.round(Number(lag.bytes) / 1048576)} MB behind. Let it catch up first.`,
    });
  return findings;
}

// Each privilege by itself: a list given to has_table_privilege asks whether any of them is there.
async function checkPrivileges(client: pg.ClientBase, schema: string): Promise<Finding[]> {
  const may = await row<{ user: string; create: boolean; temp: boolean; journal: boolean; history: boolean }>(
    client,
    `SELECT current_user AS user, has_schema_privilege($1, 'CREATE') AND has_schema_privilege($1, 'USAGE') AS create,
       has_database_privilege(current_database(), 'TEMP') AS temp,
       CASE WHEN to_regnamespace('onechart') IS NULL THEN has_database_privilege(current_database(), 'CREATE') ELSE has_schema_privilege('onechart', 'CREATE') END AS journal,
       CASE WHEN to_regclass('_prisma_migrations') IS NULL THEN true ELSE has_table_privilege('_prisma_migrations', 'SELECT') AND has_table_privilege('_prisma_migrations', 'INSERT') AND has_table_privilege('_prisma_migrations', 'UPDATE') END AS history`,
    [schema],
  );
  const lacking: Finding[] = [];
  const lacks = (what: string, remedy: string) =>
    lacking.push({
      level: 'block',
      kind: 'unsafe',
      code: 'PRIVILEGE_MISSING',
      message: `The user "${may.user}" ${what}. An administrator can allow it: ${remedy};`,
    });
  if (!may.create) lacks(`may not create tables in schema "${schema}"`, `GRANT USAGE, CREATE ON SCHEMA ${quote(schema)} TO ${quote(may.user)}`);
  if (!may.temp)
    lacks('may not make temporary tables, which the comparison of definitions needs', `GRANT TEMPORARY ON DATABASE <this database> TO ${quote(may.user)}`);
  if (!may.journal)
    lacks('may not make the schema "onechart", where the journal of the migration lies', `CREATE SCHEMA onechart AUTHORIZATION ${quote(may.user)}`);
  if (!may.history) lacks('may not write _prisma_migrations', `GRANT SELECT, INSERT, UPDATE ON _prisma_migrations TO ${quote(may.user)}`);
  return lacking.length > 0 ? lacking : [{ level: 'ok', code: 'PRIVILEGES', message: `"${may.user}" may create tables and write the history` }];
}

/** The roles of the module belong to the whole server; the module works without them, with less in depth to defend it. */
async function checkRoles(client: pg.ClientBase): Promise<Finding[]> {
  const { missing, may, user } = await row<{ missing: string[] | null; may: boolean; user: string }>(
    client,
    `SELECT (SELECT array_agg(name) FROM unnest(ARRAY['onechart_app', 'onechart_auditor', 'onechart_reader']) AS name WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)) AS missing,
       (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user) AS may, current_user AS user`,
  );
  if (!missing || may) return [];
  return [
    {
      level: 'warn',
      code: 'ROLES_NOT_CREATABLE',
      message: `The roles ${missing.join(', ')} are missing and "${user}" may not create roles; the module works without them. To have them, let an administrator run ${missing.map((name) => `CREATE ROLE ${name} NOLOGIN;`).join(' ')} and apply again.`,
      details: { missing },
    },
  ];
}

/** Turns what was found about the host into findings of the preflight. */
export function hostFindings(findings: readonly HostFinding[]): Finding[] {
  return findings.map(({ level, code, message, details }) => ({ level, code, message, details }));
}

/** What the comparison with catalogue and history says. */
export function checkAssessment(assessment: Assessment, approvals: readonly string[] = []): Finding[] {
  const findings: Finding[] = checkHazards(assessment, approvals);
  if (assessment.withoutFile.length > 0)
    findings.push({
      level: 'warn',
      code: 'MIGRATION_FILE_LOST',
      message: `The history has as applied what the folder does not have: ${assessment.withoutFile.join(', ')}. Bring the files back from version control.`,
      details: { migrations: assessment.withoutFile },
    });
  for (const name of assessment.outOfOrder)
    findings.push({
      level: 'warn',
      code: 'MIGRATION_OUT_OF_ORDER',
      message: `The migration "${name}" is pending although a later one is applied. It is applied now; a database made from the folder gets it earlier.`,
      details: { migration: name },
    });
  for (const { name } of assessment.failedElsewhere) {
    findings.push({
      level: 'block',
      kind: 'operator',
      code: 'HISTORY_FAILED_MIGRATION',
      message: `The migration "${name}" of the host failed and blocks every other one. Look at what it left, then mark it: npx prisma migrate resolve --applied ${name} or --rolled-back ${name}.`,
      details: { migration: name },
    });
  }
  for (const { file, edited, compared } of assessment.migrations) {
    if (edited)
      findings.push({
        // Of the host's own, only its text counts for nobody any more; of ours, the objects are compared with it.
        level: compared ? 'block' : 'warn',
        kind: 'drift',
        code: 'MIGRATION_EDITED',
        message: `The migration "${file.name}" was changed after it had been applied: its file no longer has the checksum in _prisma_migrations. Restore the file from version control and write the change as a new migration.`,
        details: { migration: file.name },
      });
  }
  for (const { statement, expected, actual, migration } of conflictsOf(assessment)) {
    findings.push({
      level: 'block',
      kind: 'drift',
      code: 'CATALOGUE_CONFLICT',
      message: `${statement.effect.kind} "${statement.effect.name}" is there with another definition. Expected ${expected}; found ${actual}. Rename or remove the one that is there; nothing was changed.`,
      details: { migration, name: statement.effect.name, expected, actual },
    });
  }
  if (assessment.history === undefined)
    findings.push({
      level: 'warn',
      code: 'HISTORY_MISSING',
      message:
        'The database has no _prisma_migrations; it is made. If the host uses Prisma, baseline its own migrations with prisma migrate resolve --applied.',
    });
  return findings;
}

/** Statements that lose, rewrite or block something need a person's word for it; nobody uses what is made in the same go. */
function checkHazards({ migrations }: Assessment, approvals: readonly string[]): Finding[] {
  const pending = migrations.flatMap(({ file, statements }) =>
    statements.filter(({ object }) => object.state === 'missing').map((each) => ({ ...each, file })),
  );
  const made = new Set(pending.flatMap(({ effect }) => (effect.kind === 'table' ? [effect.name] : [])));
  const isNew = (on: string) => made.has(on) || [...made].some((table) => on.startsWith(`${table}.`));
  return pending.flatMap(({ file, hazards, number }) =>
    hazards
      .filter((hazard) => !isNew(hazard.on))
      .map((hazard): Finding => {
        const approved = isApproved(hazard, approvals);
        const what = `Statement ${number} of "${file.name}" needs approval for ${hazard.kind}${hazard.on ? ` (${hazard.on})` : ''}: ${hazardKinds[hazard.kind]}.`;
        return approved
          ? { level: 'warn', code: 'HAZARD_APPROVED', message: `${what} It was approved.`, details: { migration: file.name, hazard } }
          : {
              level: 'block',
              code: 'HAZARD_NOT_APPROVED',
              message: `${what} If that is wanted, add --approve ${hazard.kind}${hazard.on ? ` or, for this one only, --approve '${hazard.kind}:${hazard.on}'` : ''}.`,
              details: { migration: file.name, statement: number, hazard },
            };
      }),
  );
}

function pendingStatements({ migrations }: Assessment): AssessedStatement[] {
  return migrations.flatMap(({ statements }) => statements.filter(({ object }) => object.state === 'missing' || object.state === 'invalid'));
}

/** Definitions are compared on empty copies of the host's tables, and a copy of a table takes the right to read it. */
export async function checkReadable(client: pg.ClientBase, schema: string, sql: readonly string[]): Promise<Finding[]> {
  const unreadable = await rows<{ name: string; user: string }>(
    client,
    `SELECT c.relname AS name, current_user AS user FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND NOT has_table_privilege(c.oid, 'SELECT') ORDER BY 1`,
    [schema],
  );
  return unreadable
    .filter(({ name }) => sql.some((text) => text.includes(quote(name))))
    .map(({ name, user }) => ({
      level: 'block',
      code: 'PRIVILEGE_MISSING',
      message: `The user "${user}" may not read table "${name}", whose definition is compared. Its owner can allow it: GRANT SELECT, REFERENCES ON ${quote(name)} TO ${quote(user)};`,
      details: { table: name },
    }));
}

/** Whether the role may add the keys: it must own what it alters and may reference what it points at. */
export async function checkTableRights(client: pg.ClientBase, schema: string, assessment: Assessment): Promise<Finding[]> {
  const altered = pendingStatements(assessment).flatMap(({ effect }) =>
    'table' in effect && effect.table !== undefined ? [effect.table] : effect.kind === 'drop' && effect.object === 'table' ? [effect.name] : [],
  );
  const named = touchedTables(assessment.migrations.flatMap(({ statements }) => statements));
  const tables = await rows<{ name: string; owner: string; owns: boolean; references: boolean }>(
    client,
    `SELECT w.wanted AS name, pg_get_userbyid(c.relowner) AS owner, pg_has_role(c.relowner, 'USAGE') AS owns, has_table_privilege(c.oid, 'REFERENCES') AS references
     FROM unnest($1::text[], $2::text[]) AS w (wanted, regclass) JOIN pg_class c ON c.oid = to_regclass(w.regclass) WHERE c.relkind IN ('r', 'p')`,
    [named, named.map((table) => quoteRelation(table, schema))],
  );
  return tables.flatMap(({ name, owner, owns, references }): Finding[] => {
    if (altered.includes(name) && !owns)
      return [
        {
          level: 'block',
          code: 'PRIVILEGE_MISSING',
          message: `Table "${name}" belongs to "${owner}"; only its owner can add a key to it. Run this as "${owner}", or GRANT ${quote(owner)} to the present user.`,
          details: { table: name },
        },
      ];
    if (!references)
      return [
        {
          level: 'block',
          code: 'PRIVILEGE_MISSING',
          message: `The user may not refer to table "${name}". Its owner can allow it: GRANT REFERENCES ON ${quoteRelation(name)} TO the present user;`,
          details: { table: name },
        },
      ];
    return [];
  });
}

/** Throws the gravest block, with all of them in the details; `look` names the command that shows them. */
export function throwBlocks(findings: readonly Finding[], look = 'onechart migrate check'): void {
  const blocks = findings.filter(({ level }) => level === 'block');
  const gravest = blocks.find(({ kind }) => kind === 'operator') ?? blocks.find(({ kind }) => kind === 'drift') ?? blocks[0];
  if (!gravest) return;
  const rest = blocks.length > 1 ? ` (and ${blocks.length - 1} more; see ${look})` : '';
  throw new AppError(gravest.kind ?? 'unsafe', gravest.code, gravest.message + rest, { findings: blocks });
}
