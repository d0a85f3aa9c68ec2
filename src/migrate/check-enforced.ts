import type pg from 'pg';
import type { Assessment } from './assess.ts';
import type { Finding } from './check.ts';
import { rows } from './sql.ts';

export interface UnenforcedKey {
  /** The table whose triggers are switched off, which is the key's own or the one it points at. */
  readonly table: string;
  readonly key: string;
}

/**
 * Keys that are there, validated, and yet not kept: `ALTER TABLE … DISABLE TRIGGER ALL`, as scripts that load data do and sometimes
 * never undo, switches off the triggers that a foreign key consists of. `convalidated` stays true all the while.
 */
export async function unenforcedKeys(client: pg.ClientBase, schema: string, assessment: Assessment): Promise<UnenforcedKey[]> {
  const keys = assessment.migrations.flatMap(({ statements }) =>
    statements.flatMap(({ effect, object }) =>
      effect.kind === 'foreign-key' && object.state !== 'missing' ? [{ relation: effect.table, name: effect.name }] : [],
    ),
  );
  return rows<UnenforcedKey>(
    client,
    `SELECT DISTINCT t.tgrelid::regclass::text AS table, k.conname AS key FROM jsonb_to_recordset($2) AS w (relation text, name text)
     JOIN pg_class c ON c.relnamespace = to_regnamespace(quote_ident($1)) AND c.relname = w.relation JOIN pg_constraint k ON k.conrelid = c.oid AND k.conname = w.name
     JOIN pg_trigger t ON t.tgconstraint = k.oid WHERE t.tgenabled IN ('D', 'R') ORDER BY 1, 2`,
    [schema, JSON.stringify(keys)],
  );
}

/** Roles and databases whose sessions skip the triggers of keys: `ALTER ROLE … SET session_replication_role = replica`. */
export async function unguardedSessions(client: pg.ClientBase): Promise<string[]> {
  const found = await rows<{ who: string }>(
    client,
    `SELECT CASE WHEN s.setrole = 0 THEN 'everybody' ELSE pg_get_userbyid(s.setrole)::text END AS who
     FROM pg_db_role_setting s WHERE (s.setdatabase = 0 OR s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()))
       AND EXISTS (SELECT FROM unnest(s.setconfig) AS setting WHERE setting IN ('session_replication_role=replica'))
     UNION SELECT 'everybody' WHERE current_setting('session_replication_role') = 'replica' ORDER BY 1`,
  );
  return found.map(({ who }) => who);
}

export async function checkEnforced(client: pg.ClientBase, schema: string, assessment: Assessment): Promise<Finding[]> {
  const tables = Map.groupBy(await unenforcedKeys(client, schema, assessment), ({ table }) => table);
  const sessions = await unguardedSessions(client);
  return [
    ...[...tables].map(
      ([table, keys]): Finding => ({
        level: 'block',
        kind: 'drift',
        code: 'KEY_NOT_ENFORCED',
        message: `The triggers of table ${table} are switched off, so ${keys.map(({ key }) => `"${key}"`).join(', ')} ${keys.length === 1 ? 'keeps' : 'keep'} nothing. Rows may be wrong meanwhile: let a superuser run ALTER TABLE ${table} ENABLE TRIGGER ALL, then drop these keys and apply again, which checks every row.`,
        details: { table, keys: keys.map(({ key }) => key) },
      }),
    ),
    ...(sessions.length > 0
      ? [
          {
            level: 'block',
            kind: 'drift',
            code: 'KEY_NOT_ENFORCED',
            message: `Sessions of ${sessions.join(', ')} skip the triggers of foreign keys (session_replication_role = replica). Take the setting away with ALTER ROLE or ALTER DATABASE … RESET session_replication_role.`,
            details: { sessions },
          } satisfies Finding,
        ]
      : []),
  ];
}
