import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type Role, roles } from '../access/access.schema.ts';
import { createAccount, listAccounts, resetPassword } from '../access/account.service.ts';
import { systemClock } from '../base/clock.ts';
import type { DatabaseAddress } from '../base/config.ts';
import { newId } from '../base/ids.ts';
import { createPool, kyselyOnPool } from '../db/connect.ts';
import type { Ctx } from '../db/context.ts';

/** Somebody who can sign in to the sample. */
export interface DemoAccount {
  readonly role: Role;
  readonly username: string;
  readonly password: string;
}

const names: Readonly<Record<Role, readonly [username: string, displayName: string]>> = {
  ADMIN: ['admin', 'Demo administrator'],
  FRONT_DESK: ['desk', 'Demo front desk'],
  NURSE: ['nurse', 'Demo nurse'],
  DOCTOR: ['doctor', 'Demo doctor'],
  HIM: ['him', 'Demo records office'],
  AUDITOR: ['auditor', 'Demo auditor'],
};

const Passwords = z.record(z.string(), z.string());

/**
 * An account of each role, for the embedded sample alone. Passwords are made once for each home folder and kept there beside
 * the password of the database; a database of one's own never gets an account that nobody asked for.
 */
export async function ensureDemoAccounts(address: DatabaseAddress, home: string): Promise<DemoAccount[]> {
  const file = join(home, 'demo-accounts.json');
  const passwords = await readPasswords(file);
  const pool = createPool(address, { maxConnections: 2, applicationName: 'onechart start' });
  try {
    const ctx: Ctx = { db: kyselyOnPool(pool), pool, clock: systemClock, newId, actor: { kind: 'system', name: 'npm start' }, origin: 'npm start' };
    const existing = new Map((await listAccounts(ctx)).items.map((account) => [account.username, account]));
    for (const [role, [username, displayName]] of Object.entries(names) as [Role, (typeof names)[Role]][]) {
      const account = existing.get(username);
      if (account && passwords[username] !== undefined) continue;
      const { generatedPassword } = account ? await resetPassword(ctx, account.id) : await createAccount(ctx, { username, displayName, role });
      if (generatedPassword !== undefined) passwords[username] = generatedPassword;
    }
  } finally {
    await pool.end();
  }
  await writeFile(file, `${JSON.stringify(passwords, null, 2)}\n`, { mode: 0o600 });
  // The mode of writeFile counts for a new file only.
  await chmod(file, 0o600);
  return (Object.keys(roles) as Role[]).map((role) => ({ role, username: names[role][0], password: passwords[names[role][0]] ?? '' }));
}

/** What an earlier start has kept; nothing where there is no such file or it is none of ours. */
async function readPasswords(file: string): Promise<Record<string, string>> {
  try {
    return Passwords.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return {};
  }
}
