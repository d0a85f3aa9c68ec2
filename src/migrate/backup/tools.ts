import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { DatabaseAddress } from '../../base/config.ts';
import { AppError } from '../../base/errors.ts';
import { conninfo, restoreCommandFor, splitCommand } from './command-line.ts';

/** pg_dump or pg_restore as it can be run here, and its version. */
export interface ClientTool {
  /** The program and the words before its options, e.g. `['docker', 'exec', 'ehr-postgres', 'pg_dump']`. */
  readonly command: readonly string[];
  /** As it prints it, e.g. `15.18`. */
  readonly version: string;
  readonly major: number;
}

export interface ToolOptions {
  /** The command that runs pg_dump, as on a shell's line; found on this machine when left out. */
  readonly pgDump?: string | undefined;
  /** The command that runs pg_restore; derived from `pgDump`, or found on this machine, when left out. */
  readonly pgRestore?: string | undefined;
}

type ToolName = 'pg_dump' | 'pg_restore';

/**
 * Finds pg_dump and pg_restore: the given command, PATH, Debian's folders, Red Hat's, Homebrew's.
 *
 * Of several that are new enough the one nearest to the server is taken: pg_restore 17 and newer begins with a setting
 * (transaction_timeout) that servers before 17 refuse.
 *
 * Errors: `BACKUP_TOOL_MISSING`, `BACKUP_TOOL_OLDER` (a client older than the server writes no dump of it), `BACKUP_TOOL_FAILED`.
 */
export async function findTool(name: ToolName, options: ToolOptions & { serverMajor: number }): Promise<ClientTool> {
  const given = givenCommand(name, options);
  const commands = given ? [given.words] : programsOf(name).map((program) => [program]);
  const tools: ClientTool[] = [];
  for (const command of commands) {
    const tool = await readVersion(name, command);
    if (tool) tools.push(tool);
    else if (given)
      throw new AppError(
        'unavailable',
        'BACKUP_TOOL_FAILED',
        `The command in ${given.option} does not answer to --version as ${name} does. Try it by hand: ${command.join(' ')} --version`,
        { option: given.option },
      );
  }
  const fitting = tools.filter(({ major }) => major >= options.serverMajor).sort((a, b) => a.major - b.major);
  if (fitting[0]) return fitting[0];
  const remedy = `Install the client programs of PostgreSQL ${options.serverMajor} (package postgresql-client-${options.serverMajor}), or name a command that runs them with --${name.replace('_', '-')}, for example "docker exec <container> ${name}".`;
  if (tools.length > 0)
    throw new AppError(
      'unsafe',
      'BACKUP_TOOL_OLDER',
      `${name} ${[...new Set(tools.map(({ version }) => version))].join(', ')} is older than the server (${options.serverMajor}) and cannot save it. ${remedy}`,
      { found: tools.map(({ command, version }) => ({ command: command.join(' '), version })), server: options.serverMajor },
    );
  throw new AppError('unavailable', 'BACKUP_TOOL_MISSING', `There is no ${name} on this machine. ${remedy}`, { server: options.serverMajor });
}

function givenCommand(name: ToolName, { pgDump, pgRestore }: ToolOptions): { words: string[]; option: string } | undefined {
  if (name === 'pg_dump') return pgDump === undefined ? undefined : { words: splitCommand(pgDump, '--pg-dump'), option: '--pg-dump' };
  if (pgRestore !== undefined) return { words: splitCommand(pgRestore, '--pg-restore'), option: '--pg-restore' };
  const derived = pgDump === undefined ? undefined : restoreCommandFor(splitCommand(pgDump, '--pg-dump'));
  return derived && { words: derived, option: '--pg-dump, as its pg_restore' };
}

/** Every place a packager puts the program, PATH first. */
function programsOf(name: ToolName): string[] {
  const file = process.platform === 'win32' ? `${name}.exe` : name;
  const below = (root: string, pattern: RegExp) =>
    listFolder(root)
      .filter((each) => pattern.test(each))
      .map((each) => join(root, each, 'bin'));
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter).filter(Boolean),
    ...below('/usr/lib/postgresql', /^\d+$/),
    ...below('/usr', /^pgsql-\d+$/),
    ...['/opt/homebrew/opt', '/usr/local/opt'].flatMap((root) => below(root, /^(?:postgresql(?:@\d+)?|libpq)$/)),
    ...below('C:\\Program Files\\PostgreSQL', /^\d+$/),
  ];
  return [...new Set(folders.map((folder) => join(folder, file)))].filter((program) => existsSync(program));
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

async function readVersion(name: ToolName, command: readonly string[]): Promise<ClientTool | undefined> {
  const [program = '', ...words] = command;
  const output = await new Promise<string>((resolve) => {
    const child = spawn(program, [...words, '--version'], { stdio: ['ignore', 'pipe', 'ignore'], env: toolEnvironment(), timeout: 20_000 });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    child.on('error', () => resolve(''));
    child.on('close', () => resolve(text));
  });
  // "pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"
  const version = new RegExp(`${name} \\(PostgreSQL\\) (\\d+(?:\\.\\d+)*)`).exec(output)?.[1];
  return version === undefined ? undefined : { command, version, major: Number.parseInt(version, 10) };
}

/** What a client program inherits: not the caller's service file or address, which would win over ours, nor our passphrase. */
function toolEnvironment(extra: Readonly<Record<string, string | undefined>> = {}): NodeJS.ProcessEnv {
  const { PGSERVICE: _1, PGSERVICEFILE: _2, PGHOSTADDR: _3, PGDATABASE: _4, PGOPTIONS: _5, ONECHART_BACKUP_PASSPHRASE: _6, ...inherited } = process.env;
  // Messages in English, as we read them.
  return { ...inherited, LC_ALL: 'C', ...extra };
}

/**
 * Starts a client program on a database.
 *
 * Host, port and password go through the environment, never into the argument list, where every user of the machine could
 * read them. A program inside a container does not see them: there the server is at its local socket, which is where the
 * program looks without them (pass the password on with `docker exec -e PGPASSWORD …` where it wants one).
 */
export function startTool(tool: ClientTool, address: DatabaseAddress, args: readonly string[]): ChildProcessByStdio<Writable, Readable, Readable> {
  const [program = '', ...words] = tool.command;
  const ownUser = words.some((word) => /^(?:-U|--username)/.test(word));
  return spawn(program, [...words, ...args, '--no-password', `--dbname=${conninfo({ dbname: address.database, user: ownUser ? undefined : address.user })}`], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: toolEnvironment({
      PGHOST: address.host,
      PGPORT: String(address.port),
      ...(address.password === undefined ? {} : { PGPASSWORD: address.password }),
      ...(address.sslmode === undefined ? {} : { PGSSLMODE: address.sslmode }),
      PGAPPNAME: 'onechart backup',
      PGCONNECT_TIMEOUT: '15',
    }),
  });
}

/** Whether a client program failed because the server went away: the dump is not to blame, and another try may go through. */
export function lostConnection(output: string): boolean {
  return /server closed the connection unexpectedly|terminating connection|connection to server .* failed|could not connect to server|the database system is (?:starting up|shutting down|in recovery mode)|no connection to the server/.test(
    output,
  );
}

/**
 * What a client program said before it failed, without what may be a patient's data: rows stand in CONTEXT and DETAIL,
 * statements after "Command was", refused values in quotes.
 */
export function safeOutput(output: string): string {
  const kept: string[] = [];
  let skipping = false;
  for (const line of output.split('\n')) {
    const begins = /^pg_(?:dump|restore): |^(?:ERROR|FATAL|HINT|WARNING|NOTICE|LOG):/.test(line);
    if (/^(?:pg_\w+: )?(?:error: |warning: )?(?:DETAIL|CONTEXT|detail|STATEMENT):|^Command was:|^pg_\w+: detail:/.test(line)) skipping = true;
    else if (begins) skipping = false;
    if (skipping || line.trim() === '' || !begins) continue;
    kept.push(
      /invalid|out of range|too long|malformed|violates/.test(line) ? line.replace(/: "[^"]*".*$/, ': (value not shown)').replace(/\(.*\)=\(.*\)/, '') : line,
    );
  }
  return kept.slice(-4).join(' ').slice(-800);
}
