import { createInterface } from 'node:readline/promises';
import { type Command, Option } from 'commander';
import { Role } from '../../access/access.schema.ts';
import type { Account, AccountChanges, AccountWithPassword } from '../../access/account.schema.ts';
import { changeAccount, createAccount, getAccountByUsername, listAccounts, resetPassword } from '../../access/account.service.ts';
import { AppError } from '../../base/errors.ts';
import { type AccessOptions, addAccessOptions, columns, withAccess } from '../access-context.ts';
import { type CliIo, note, print, printJson } from '../io.ts';

interface PasswordOptions extends AccessOptions {
  readonly passwordStdin?: boolean;
}

/** `onechart accounts`: the people who sign in. A password is never an argument: those stand in the list of processes and in histories. */
export function addAccountsCommands(program: Command, io: CliIo): void {
  const accounts = program.command('accounts').description('accounts: the people who sign in, and what they may do');

  addPasswordOption(addAccessOptions(accounts.command('create')))
    .description('make an account; without --password-stdin a password is generated and printed this one time')
    .argument('<username>', 'what is typed to sign in: letters a to z, digits and . _ @ + -')
    .addOption(new Option('--role <role>', 'what it may do').choices(Role.options).makeOptionMandatory())
    .option('--display-name <name>', 'the name that others see (default: the username)')
    .option('--user-id <id>', "the user of the host's users table whose work this account does")
    .action(async (username: string, options: PasswordOptions & { role: Role; displayName?: string; userId?: string }) => {
      const password = await readPassword(options, io);
      const made = await withAccess(options, io, (ctx) =>
        createAccount(ctx, {
          username,
          displayName: options.displayName ?? username,
          role: options.role,
          ...(options.userId === undefined ? {} : { userId: options.userId }),
          ...(password === undefined ? {} : { password }),
        }),
      );
      showPassword(made, options, io);
      if (!options.json) note(io, `The account ${made.account.username}, role ${made.account.role}, is made.`);
    });

  addAccessOptions(accounts.command('list'))
    .description('list the accounts')
    .action(async (options: AccessOptions) => {
      const list = await withAccess(options, io, listAccounts);
      if (options.json) return printJson(io, list);
      if (list.items.length === 0) return note(io, 'There are no accounts. Make the first with: onechart accounts create <username> --role ADMIN');
      const rows = list.items.map((each) => [each.username, each.role, stateOf(each), each.lastSignInAt ?? 'never', each.displayName]);
      for (const line of columns([['USERNAME', 'ROLE', 'STATE', 'LAST SIGN-IN', 'NAME'], ...rows])) print(io, line);
    });

  addChange(accounts, io, {
    name: 'disable',
    description: 'let an account sign in no longer and end its sessions',
    changes: { disabled: true },
    done: 'is disabled',
  });
  addChange(accounts, io, { name: 'enable', description: 'let an account sign in again and lift a lock', changes: { disabled: false }, done: 'is enabled' });

  addPasswordOption(addAccessOptions(accounts.command('reset-password')))
    .description('set a new password, end every session and lift a lock; without --password-stdin one is generated and printed this one time')
    .argument('<username>')
    .action(async (username: string, options: PasswordOptions) => {
      const password = await readPassword(options, io);
      const reset = await withAccess(options, io, async (ctx) => {
        const { id } = await getAccountByUsername(ctx, username);
        return resetPassword(ctx, id, password === undefined ? {} : { password });
      });
      showPassword(reset, options, io);
      if (!options.json) note(io, `The password of ${reset.account.username} is set, and every session of it is ended.`);
    });

  addAccessOptions(accounts.command('set-role'))
    .description('change what an account may do')
    .argument('<username>')
    .addOption(new Option('--role <role>', 'what it may do from now on').choices(Role.options).makeOptionMandatory())
    .action((username: string, options: AccessOptions & { role: Role }) =>
      change(username, { options, io, changes: { role: options.role }, done: `has the role ${options.role}` }),
    );
}

function addChange(
  accounts: Command,
  io: CliIo,
  { name, description, changes, done }: { name: string; description: string; changes: AccountChanges; done: string },
): void {
  addAccessOptions(accounts.command(name))
    .description(description)
    .argument('<username>')
    .action((username: string, options: AccessOptions) => change(username, { options, io, changes, done }));
}

async function change(username: string, how: { options: AccessOptions; io: CliIo; changes: AccountChanges; done: string }): Promise<void> {
  const { options, io, changes, done } = how;
  const account = await withAccess(options, io, async (ctx) => changeAccount(ctx, (await getAccountByUsername(ctx, username)).id, changes));
  if (options.json) printJson(io, account);
  else print(io, `${account.username} ${done}.`);
}

function addPasswordOption(command: Command): Command {
  return command.option('--password-stdin', 'read the password from the first line of standard input');
}

async function readPassword({ passwordStdin }: PasswordOptions, io: CliIo): Promise<string | undefined> {
  if (!passwordStdin) return undefined;
  for await (const line of createInterface({ input: io.stdin ?? process.stdin })) return line;
  throw new AppError('invalid', 'PASSWORD_MISSING', 'Standard input is empty. Pipe the password in, or leave --password-stdin out, and one is generated.', {
    field: 'password',
  });
}

function showPassword(made: AccountWithPassword, { json }: AccessOptions, io: CliIo): void {
  if (json) printJson(io, made);
  // Alone on stdout; what is said about it goes to stderr.
  else if (made.generatedPassword !== undefined) print(io, made.generatedPassword);
}

function stateOf({ disabledAt, lockedUntil }: Account): string {
  if (disabledAt !== null) return 'disabled';
  return lockedUntil !== null && Date.parse(lockedUntil) > Date.now() ? `locked until ${lockedUntil}` : 'enabled';
}
