import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import type { CliIo } from './io.ts';
import { buildProgram, leafCommands, run } from './program.ts';

function capture() {
  const text = { stdout: '', stderr: '' };
  const into = (name: 'stdout' | 'stderr') =>
    new Writable({
      write: (chunk, _encoding, done) => {
        text[name] += String(chunk);
        done();
      },
    });
  const io: CliIo = { env: {}, cwd: '/', stdout: into('stdout'), stderr: into('stderr'), interactive: false, exitCode: 0 };
  return { io, text };
}

test.each([[['--bogus']], [['nonsense']], [[]]])('%j is a usage error: exit 64 and one sentence on stderr', async (args) => {
  const { io, text } = capture();
  expect(await run(args, io)).toBe(64);
  expect(text.stdout).toBe('');
  expect(text.stderr.match(/^error: .+ \[COMMAND_(MISSING|LINE_INVALID)\]$/gm)).toHaveLength(1);
});

test('with --json an error is a document on stdout and nothing on stderr', async () => {
  const { io, text } = capture();
  expect(await run(['nonsense', '--json'], io)).toBe(64);
  expect(JSON.parse(text.stdout)).toMatchObject({ error: { kind: 'invalid', code: 'COMMAND_LINE_INVALID' } });
  expect(text.stderr).toBe('');
});

test.each([[['--help']], [['--version']]])('%j exits 0 and prints on stdout', async (args) => {
  const { io, text } = capture();
  expect(await run(args, io)).toBe(0);
  expect(text.stdout).not.toBe('');
  expect(text.stderr).toBe('');
});

test('every command has a description and takes --json', () => {
  const leaves = leafCommands(buildProgram(capture().io));
  expect(leaves.length).toBeGreaterThan(0);
  for (const leaf of leaves) {
    expect(leaf.description(), leaf.name()).not.toBe('');
    expect(
      leaf.options.map((option) => option.long),
      leaf.name(),
    ).toContain('--json');
  }
});
