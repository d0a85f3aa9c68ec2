import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { expect } from 'vitest';
import type { CliIo } from '../../src/cli/io.ts';
import { run } from '../../src/cli/program.ts';

/** How a command line ended and what it said. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandPlace {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** What is piped in; nothing unless given. */
  readonly stdin?: string;
}

const program = join(import.meta.dirname, '../../bin/onechart');

/**
 * Runs a command line in this process, without a terminal: the same program as `bin/onechart`, of which a process of its own adds half a second.
 * Of the environment it sees what is given and nothing else.
 */
export async function runCommand(args: readonly string[], { env = {}, cwd = process.cwd(), stdin = '' }: CommandPlace = {}): Promise<Ended> {
  const text = { stdout: '', stderr: '' };
  const into = (name: 'stdout' | 'stderr') => new Writable({ write: (chunk, _encoding, done) => ((text[name] += String(chunk)), done()) });
  const io: CliIo = { env, cwd, stdin: Readable.from([stdin]), stdout: into('stdout'), stderr: into('stderr'), interactive: false, exitCode: 0 };
  return endedInOrder({ code: await run(args, io), ...text });
}

/** Runs the real command, for what is a matter of the process: its exit code, its variables, its end with connections open. */
export async function startCommand(args: readonly string[], { env = {}, cwd = process.cwd() }: CommandPlace = {}): Promise<Ended> {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(?:PG|DATABASE_URL|ONECHART_|VITEST|NODE_OPTIONS)/.test(name));
  return endedInOrder(
    await new Promise<Ended>((resolve) => {
      const child = execFile(
        process.execPath,
        [program, ...args],
        { env: { ...Object.fromEntries(inherited), ...env }, cwd, maxBuffer: 1 << 24 },
        (error, stdout, stderr) => resolve({ code: error ? Number(error.code ?? -1) : 0, stdout, stderr }),
      );
      child.stdin?.end();
    }),
  );
}

/** Whatever was asked: an error never ends with 0, a bad end never stays without a word, and nobody is shown a stack. */
function endedInOrder(ended: Ended): Ended {
  if (/^error:/m.test(ended.stdout + ended.stderr) || ended.stdout.startsWith('{"error"')) expect(ended.code).not.toBe(0);
  if (ended.code !== 0) expect(`${ended.stdout}${ended.stderr}`.trim()).not.toBe('');
  expect(ended.stderr).not.toMatch(/^\s+at .*\(/m);
  return ended;
}
