import type pg from 'pg';
import { quote, row, rows } from '../sql.ts';

/** Settings whose value is a list of names: as a whole in quotes they would be one name. */
const listSettings = ['search_path', 'temp_tablespaces', 'session_preload_libraries', 'local_preload_libraries'];

/**
 * Carries over what belongs to a database and stands in no dump of it: owner, limit of connections, settings (ALTER DATABASE … SET),
 * who may connect. Without the live database there is nothing to carry.
 *
 * Returns in words what the user had no right to carry over.
 */
export async function carryProperties(admin: pg.ClientBase, { from, to }: { from: string; to: string }): Promise<string[]> {
  const [live] = await rows<{ oid: string; owner: string; limit: number; rights: boolean }>(
    admin,
    'SELECT oid::text AS oid, pg_get_userbyid(datdba) AS owner, datconnlimit AS limit, datacl IS NOT NULL AS rights FROM pg_database WHERE datname = $1',
    [from],
  );
  const notes: string[] = [];
  const attempt = async (what: string, statements: readonly string[]) => {
    try {
      for (const statement of statements) await admin.query(statement);
    } catch (error) {
      notes.push(`${what} could not be carried over from "${from}": ${(error as Error).message}`);
    }
  };
  const database = quote(to);
  await attempt('The limit of connections', [`ALTER DATABASE ${database} CONNECTION LIMIT ${live?.limit ?? -1}`]);
  if (!live) return [`There is no database "${from}" on this server: settings and rights of the database itself are those of a new one.`];
  const { me } = await row<{ me: string }>(admin, 'SELECT current_user::text AS me');
  const settings = await rows<{ role: string | null; name: string; value: string }>(
    admin,
    `SELECT r.rolname AS role, split_part(setting, '=', 1) AS name, substr(setting, strpos(setting, '=') + 1) AS value
     FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole CROSS JOIN LATERAL unnest(s.setconfig) AS setting WHERE s.setdatabase = $1::oid`,
    [live.oid],
  );
  for (const { role, name, value } of settings) {
    const whose = role === null ? `DATABASE ${database}` : `ROLE ${quote(role)} IN DATABASE ${database}`;
    const literal = listSettings.includes(name) ? value : `'${value.replaceAll("'", "''")}'`;
    // A name with a dot is one of an extension or the host: quoted part by part.
    await attempt(`The setting ${name}`, [`ALTER ${whose} SET ${name.split('.').map(quote).join('.')} TO ${literal || "''"}`]);
  }
  const rights = await rows<{ grantee: string | null; privilege: string; grantable: boolean }>(
    admin,
    `SELECT CASE WHEN a.grantee = 0 THEN NULL ELSE pg_get_userbyid(a.grantee) END AS grantee, a.privilege_type AS privilege, a.is_grantable AS grantable
     FROM pg_database d CROSS JOIN LATERAL aclexplode(d.datacl) a WHERE d.oid = $1::oid AND a.grantee <> d.datdba`,
    [live.oid],
  );
  if (live.rights)
    await attempt('Rights on the database', [
      `REVOKE ALL ON DATABASE ${database} FROM PUBLIC`,
      ...rights.map(
        ({ grantee, privilege, grantable }) =>
          `GRANT ${privilege} ON DATABASE ${database} TO ${grantee === null ? 'PUBLIC' : quote(grantee)}${grantable ? ' WITH GRANT OPTION' : ''}`,
      ),
    ]);
  // Last: who gives the database away may lose the right to the rest.
  if (live.owner !== me) await attempt('The owner', [`ALTER DATABASE ${database} OWNER TO ${quote(live.owner)}`]);
  return notes;
}
