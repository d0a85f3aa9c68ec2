import { Writable } from 'node:stream';
import type { Command } from 'commander';
import { errorFaces } from '../../src/base/errors.ts';
import type { CliIo } from '../../src/cli/io.ts';
import { buildProgram } from '../../src/cli/program.ts';

/** docs/cli.md, from the command tree. */
export function renderCli(): string {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const io: CliIo = { env: {}, cwd: '/', stdout: nowhere, stderr: nowhere, interactive: false, exitCode: 0 };
  const program = buildProgram(io);
  const exitCodes = new Map<number, string>([
    [0, 'Done, or in sync.'],
    [2, 'Changes are pending (`migrate status`, `plan` and `verify`).'],
    ...Object.values(errorFaces).map(({ exitCode, meaning }): [number, string] => [exitCode, meaning]),
  ]);
  return [
    '# Command line',
    '',
    'Generated from the commands themselves by `npm run docs`. Every command takes `--json` and `--help`.',
    '',
    '| command | what it does |',
    '|---|---|',
    ...leaves(program).map(({ path, command }) => `| [\`${path}\`](#${path.replaceAll(' ', '-')}) | ${cell(command.description())} |`),
    '',
    ...leaves(program).flatMap(({ path, command }) => describe(path, command)),
    '## Exit codes',
    '',
    'An error is never printed with exit code 0.',
    '',
    '| code | meaning |',
    '|---|---|',
    ...[...exitCodes].sort(([left], [right]) => left - right).map(([code, meaning]) => `| ${code} | ${cell(meaning)} |`),
    '',
  ].join('\n');
}

function leaves(command: Command, path = command.name()): { path: string; command: Command }[] {
  return command.commands.length === 0 ? [{ path, command }] : command.commands.flatMap((child) => leaves(child, `${path} ${child.name()}`));
}

function describe(path: string, command: Command): string[] {
  const usage = [
    path,
    ...command.registeredArguments.map((argument) => (argument.required ? `<${argument.name()}${argument.variadic ? '...' : ''}>` : `[${argument.name()}]`)),
    '[options]',
  ].join(' ');
  const described = command.registeredArguments.filter(({ description }) => description);
  return [
    `## ${path}`,
    '',
    `${command.description().charAt(0).toUpperCase()}${command.description().slice(1)}.`,
    '',
    '```',
    usage,
    '```',
    '',
    ...(described.length > 0
      ? ['| argument | meaning |', '|---|---|', ...described.map((argument) => `| \`${argument.name()}\` | ${cell(argument.description)} |`), '']
      : []),
    '| option | meaning | default |',
    '|---|---|---|',
    ...command.options.map(
      (option) =>
        `| \`${cell(option.flags)}\` | ${cell(option.description)}${option.argChoices ? ` (one of ${option.argChoices.join(', ')})` : ''} | ${option.defaultValue === undefined || option.negate || typeof option.defaultValue === 'boolean' ? '' : `\`${String(option.defaultValue)}\``} |`,
    ),
    '',
  ];
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
