import { type Command, Option } from 'commander';
import { Role } from '../../access/access.schema.ts';
import type { Key, NewKey } from '../../access/key.schema.ts';
import { createKey, listKeys, revokeKey } from '../../access/key.service.ts';
import { proofHoldsSeconds } from '../../access/proofs.ts';
import { AppError } from '../../base/errors.ts';
import { type AccessOptions, addAccessOptions, columns, withAccess } from '../access-context.ts';
import { type CliIo, note, print, printJson } from '../io.ts';

/** `onechart keys`: with what services call. */
export function addKeysCommands(program: Command, io: CliIo): void {
  const keys = program.command('keys').description('service keys: what programs send as Authorization: Bearer');

  addAccessOptions(keys.command('create'))
    .description('make a key and print it, this one time; the database keeps its hash')
    .requiredOption('--name <name>', 'which service gets it')
    .addOption(new Option('--role <role>', 'what it may do').choices(Role.options).makeOptionMandatory())
    .option('--expires <when>', 'from when it is refused: an instant such as 2027-01-01T00:00:00Z, or a time from now such as 90d or 12h (default: never)')
    .action(async (options: AccessOptions & { name: string; role: Role; expires?: string }) => {
      const input: NewKey = { name: options.name, role: options.role, ...(options.expires === undefined ? {} : { expiresAt: instantOf(options.expires) }) };
      const made = await withAccess(options, io, (ctx) => createKey(ctx, input));
      if (options.json) return printJson(io, made);
      // Alone on stdout, so that a script can take it without it ever standing in a command line.
      print(io, made.key);
      note(io, `The key ${made.prefix} of ${made.name}, role ${made.role}, ${until(made)}. It is shown this one time.`);
    });

  addAccessOptions(keys.command('list'))
    .description('list the keys by their open part, newest first')
    .action(async (options: AccessOptions) => {
      const list = await withAccess(options, io, listKeys);
      if (options.json) return printJson(io, list);
      if (list.items.length === 0) return note(io, 'There are no keys.');
      const rows = list.items.map((key) => [key.prefix, key.role, stateOf(key), key.lastUsedAt === null ? 'never used' : `used ${key.lastUsedAt}`, key.name]);
      for (const line of columns([['KEY', 'ROLE', 'STATE', 'LAST USE', 'NAME'], ...rows])) print(io, line);
    });

  addAccessOptions(keys.command('revoke'))
    .description(`revoke a key; servers that run take it for ${proofHoldsSeconds} seconds more at most`)
    .argument('<key>', 'its open part (ock_…) or its id')
    .action(async (key: string, options: AccessOptions) => {
      const revoked = await withAccess(options, io, (ctx) => revokeKey(ctx, key));
      if (options.json) printJson(io, revoked);
      else print(io, `Revoked ${revoked.prefix} of ${revoked.name}.`);
    });
}

const units = { h: 3_600_000, d: 86_400_000 } as const;

function instantOf(text: string): string {
  const [, count, unit] = /^(\d{1,5})([hd])$/.exec(text) ?? [];
  if (count !== undefined) return new Date(Date.now() + Number(count) * units[unit as keyof typeof units]).toISOString();
  const instant = new Date(text);
  if (!/^\d{4}-\d{2}-\d{2}T/.test(text) || Number.isNaN(instant.getTime()))
    throw new AppError('invalid', 'EXPIRY_MALFORMED', '--expires must be an instant such as 2027-01-01T00:00:00Z, or a time from now such as 90d or 12h.', {
      field: 'expires',
    });
  return instant.toISOString();
}

function until({ expiresAt }: Key): string {
  return expiresAt === null ? 'without an end' : `until ${expiresAt}`;
}

function stateOf(key: Key): string {
  if (key.revokedAt !== null) return `revoked ${key.revokedAt}`;
  if (key.expiresAt !== null && Date.parse(key.expiresAt) <= Date.now()) return `expired ${key.expiresAt}`;
  return until(key);
}
