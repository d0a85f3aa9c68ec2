/**
 * A process of registrars for the MRN stress test: `node mrn-registrars.ts <url> <registrars> <instant>`, started with an IPC channel.
 * Each registrar takes a number, writes a patient with it and reports the number only after COMMIT. Every 20th registration
 * rolls back and gives its number back, every 31st rolls back and does not, as a host's transaction would.
 */
import pg from 'pg';
import { fixedClock } from '../../src/base/clock.ts';
import { kyselyOnPool } from '../../src/db/connect.ts';
import { createMrnIssuer } from '../../src/identifier/mrn.service.ts';

export type RegistrarCommand = { readonly clock: string } | 'stop';
export type RegistrarReport = { readonly registered: string } | { readonly abandoned: string };

const [url, registrars, instant] = process.argv.slice(2) as [string, string, string];
const clock = fixedClock(new Date(instant));
const pool = new pg.Pool({ connectionString: url, max: Number(registrars) });
pool.on('error', () => undefined);
const ctx = { db: kyselyOnPool(pool), pool };
const issuer = createMrnIssuer({ leaseSeconds: 3, maxBlock: 16 });
let working = true;
let turn = 0;

process.on('message', (command: RegistrarCommand) => {
  if (command === 'stop') working = false;
  else clock.set(new Date(command.clock));
});

const report = (line: RegistrarReport) => process.send?.(line);

async function register(): Promise<void> {
  turn += 1;
  const mode = turn % 20 === 0 ? 'release' : turn % 31 === 0 ? 'abandon' : 'register';
  const client = await pool.connect();
  try {
    // The number is asked for while a connection of the pool is held: all of them are, and it must not come to a standstill.
    const issued = await issuer.issueMrn(ctx, clock.now());
    await client.query('BEGIN');
    await client.query('INSERT INTO patients (mrn, "firstName", "lastName") VALUES ($1, $2, $3)', [issued.mrn, 'Synthetic', `Patient ${process.pid}`]);
    await client.query(mode === 'register' ? 'COMMIT' : 'ROLLBACK');
    if (mode === 'register') report({ registered: issued.mrn });
    else if (mode === 'release') issued.release();
    else report({ abandoned: issued.mrn });
  } finally {
    client.release();
  }
}

async function registrar(): Promise<void> {
  while (working) await register();
}

await Promise.all(Array.from({ length: Number(registrars) }, registrar));
await issuer.close();
await pool.end();
process.disconnect();
