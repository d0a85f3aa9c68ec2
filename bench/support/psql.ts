import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { tmpdir } from 'node:os';
import type { DatabaseAddress } from '../../src/base/config.ts';

/** psql of this machine, undefined when it has none. */
export function findPsql(): string | undefined {
  const distribution = '/usr/lib/postgresql';
  const versions = existsSync(distribution) ? readdirSync(distribution).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...versions.map((version) => join(distribution, version, 'bin'))];
  return folders.map((folder) => join(folder, 'psql')).find((file) => existsSync(file));
}

/** Runs the files one after the other as `psql -f` does: a transaction a statement, going on after errors. Returns how many failed. */
export async function runPsql(
  psql: string,
  address: DatabaseAddress,
  files: readonly { name: string; sql: string }[],
): Promise<{ errors: number; exitCodes: number[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'onechart-psql-'));
  try {
    let errors = 0;
    const exitCodes: number[] = [];
    for (const { name, sql } of files) {
      const file = join(folder, `${name}.sql`);
      await writeFile(file, sql);
      const args = ['-X', '-q', '-h', address.host, '-p', String(address.port), '-U', address.user, '-d', address.database, '-f', file];
      const child = spawn(psql, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, PGPASSWORD: address.password ?? '' } });
      let said = '';
      child.stderr.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
      exitCodes.push(await new Promise<number>((resolve, reject) => child.on('error', reject).on('close', (code) => resolve(code ?? 1))));
      errors += said.match(/ERROR:/g)?.length ?? 0;
    }
    return { errors, exitCodes };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
