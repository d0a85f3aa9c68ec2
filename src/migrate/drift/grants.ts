import type pg from 'pg';
import { relationSql } from '../relation.ts';
import { rows } from '../sql.ts';

/** Roles that the module's migrations grant to. What a host grants to its own roles by hand is its own business. */
const moduleRoles = ['onechart_app', 'onechart_auditor', 'onechart_reader'];

/** `table: role` to its privileges. */
export type Grants = ReadonlyMap<string, string>;

/**
 * What the module's roles may do with tables and sequences, and what everybody may do with a table that the module grants to: a
 * `GRANT … TO PUBLIC` opens every chart to every account of the server, and no definition shows it.
 */
export async function readGrants(client: pg.ClientBase, home: string, others: readonly string[]): Promise<Grants> {
  const found = await rows<{ name: string; role: string; may: string }>(
    client,
    `SELECT ${relationSql('n.nspname', 'c.relname')} AS name, coalesce(r.rolname, 'PUBLIC') AS role,
       string_agg(a.privilege_type || CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END, ', ' ORDER BY a.privilege_type) AS may
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN LATERAL aclexplode(c.relacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
     WHERE n.nspname = ANY ($2) AND c.relkind IN ('r', 'p', 'S') AND NOT c.relispartition AND (a.grantee = 0 OR r.rolname = ANY ($3)) GROUP BY 1, 2`,
    [home, [home, ...others], moduleRoles],
  );
  return new Map(found.map(({ name, role, may }) => [`${name}: ${role}`, may]));
}

/** Those of roles that a server has: a replay on another one grants nothing to roles that are not there. */
export async function knownRoles(client: pg.ClientBase): Promise<Set<string>> {
  return new Set(
    (await rows<{ name: string }>(client, 'SELECT rolname AS name FROM pg_roles WHERE rolname = ANY ($1)', [moduleRoles])).map(({ name }) => name),
  );
}

const tableOf = (key: string) => key.slice(0, key.lastIndexOf(': '));
const roleOf = (key: string) => key.slice(key.lastIndexOf(': ') + 2);

/** The part of grants that can be compared: of known roles, and for everybody where one of these may anything. */
export function comparable(grants: Grants, { roles, tables }: { roles: ReadonlySet<string>; tables: ReadonlySet<string> }): Map<string, string> {
  return new Map([...grants].filter(([key]) => (roleOf(key) === 'PUBLIC' ? tables.has(tableOf(key)) : roles.has(roleOf(key)))));
}

/** The tables to which a role of the module was granted something. */
export function tablesOf(grants: Grants): Set<string> {
  return new Set([...grants.keys()].filter((key) => roleOf(key) !== 'PUBLIC').map(tableOf));
}
