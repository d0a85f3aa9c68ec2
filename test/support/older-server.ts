import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The oldest and newest major version that counts as the older server; the embedded one is 18. */
const [oldest, newest] = [14, 17];

export type OlderServer = { readonly binFolder: string; readonly version: number } | { readonly binFolder: undefined; readonly reason: string };

/** Looks for an installed older PostgreSQL: Debian's folders, Red Hat's, Homebrew's, then PATH. The oldest supported one is taken. */
export function findOlderServer(env: NodeJS.ProcessEnv = process.env): OlderServer {
  const roots = ['/usr/lib/postgresql', '/usr', '/opt/homebrew/opt', '/usr/local/opt'];
  const folders = [
    ...roots.flatMap((root) => subfolders(root, /^(?:\d+|pgsql-\d+|postgresql@\d+)$/)).map((folder) => join(folder, 'bin')),
    ...(env.PATH ?? '').split(delimiter).filter(Boolean),
  ];
  const found = folders
    .filter((folder) => existsSync(join(folder, 'postgres')) && existsSync(join(folder, 'initdb')))
    .map((binFolder) => ({ binFolder, version: majorVersion(join(binFolder, 'postgres')) }))
    .filter(({ version }) => version >= oldest && version <= newest)
    .sort((a, b) => a.version - b.version);
  return (
    found[0] ?? { binFolder: undefined, reason: `No PostgreSQL ${oldest} to ${newest} is installed on this machine: the tests of older servers are skipped.` }
  );
}

function subfolders(root: string, pattern: RegExp): string[] {
  try {
    return readdirSync(root)
      .filter((name) => pattern.test(name))
      .map((name) => join(root, name));
  } catch {
    return [];
  }
}

function majorVersion(program: string): number {
  const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  return Number(/\(PostgreSQL\) (\d+)/.exec(stdout ?? '')?.[1] ?? 0);
}
