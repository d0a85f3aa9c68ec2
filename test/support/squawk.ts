import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** What squawk reports of a file. */
export interface SquawkFinding {
  readonly file: string;
  /** From 0. */
  readonly line: number;
  readonly rule_name: string;
}

/** The program inside the platform's package; undefined, with the reason printed, where there is none that runs. */
export function findSquawk(): { program: string; version: string } | undefined {
  const platform = `@squawk-cli/${process.platform}-${process.arch}`;
  try {
    const require = createRequire(import.meta.url);
    const program = join(dirname(require.resolve(`${platform}/package.json`)), 'bin', process.platform === 'win32' ? 'squawk.exe' : 'squawk');
    const { status, stdout, error } = spawnSync(program, ['--version'], { encoding: 'utf8' });
    if (status === 0) return { program, version: stdout.trim().replace(/^squawk\s+/, '') };
    console.log(`The comparison with squawk is left out: ${program} does not run here (${error?.message ?? `exit code ${status}`}).`);
  } catch {
    console.log(`The comparison with squawk is left out: there is no package ${platform} in node_modules.`);
  }
  return undefined;
}

export function runSquawk(program: string, flags: readonly string[], files: readonly string[]): SquawkFinding[] {
  const { stdout, stderr, error } = spawnSync(program, ['--pg-version', '18', '--reporter', 'json', ...flags, ...files], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (error || stdout.trim() === '') throw new Error(`squawk gave no answer: ${error?.message ?? stderr}`);
  return JSON.parse(stdout) as SquawkFinding[];
}
