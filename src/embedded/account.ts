import { readFileSync } from 'node:fs';

/** The operating-system user a server runs as, when it is not the one that runs us. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Tried in this order. `nobody` first: it owns nothing, while `postgres` may own another server's data. */
const candidates = ['nobody', 'postgres', 'daemon'];

/** Finds an unprivileged account in the text of a passwd file. initdb looks its user up, so a bare number would not do. */
export function pickAccount(passwd: string): Account | undefined {
  const accounts = passwd.split('\n').flatMap((line) => {
    const [name = '', , uid, gid] = line.split(':');
    return name && Number(uid) > 0 && Number(gid) > 0 ? [{ name, uid: Number(uid), gid: Number(gid) }] : [];
  });
  return candidates.flatMap((name) => accounts.filter((account) => account.name === name)).at(0);
}

/**
 * PostgreSQL refuses to run as root. As root we lend it an account that exists already and add none;
 * as anybody else the server simply runs as that user (undefined).
 */
export function serverAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  return pickAccount(readFileSync('/etc/passwd', 'utf8'));
}
