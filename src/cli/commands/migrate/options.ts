import { type Command, InvalidArgumentError, Option } from 'commander';
import { defaultLockPatience, type LockPatience, type MigrateOptions, orphanActions } from '../../../migrate/index.ts';
import { addDatabaseOptions, type DatabaseOptions, findDatabase } from '../../database.ts';
import type { CliIo } from '../../io.ts';

/** What every `onechart migrate` command reads from its line. */
export interface EngineCommandOptions extends DatabaseOptions {
  readonly json?: boolean;
  readonly dir?: string;
  readonly onlyModule?: boolean;
  readonly approve?: string[];
  readonly linkTable?: string[];
  /** Commander turns --no-users-table into false. */
  readonly usersTable?: string | boolean;
}

/** What a file of commands is given to hang its commands on. */
export interface MigrateCommands {
  readonly io: CliIo;
  /** A command of `onechart migrate` with the options of every command that looks at a database. */
  readonly command: (name: string, description: string) => Command;
  /** The group itself, for commands that need no database or have commands below them. */
  readonly migrate: Command;
}

export function addEngineOptions(command: Command): Command {
  return addDatabaseOptions(command)
    .option('--dir <folder>', "the host's Prisma folder, when its own migration files count (see init); all of its migrations are looked at")
    .option('--only-module', "of --dir, look at the patient module's migrations only")
    .option('--approve <hazard>', 'approve a hazard that check names, as kind or kind:object; repeat it', collect)
    .option('--link-table <table>', 'link table as table or table.column; repeat it (default: the five of the surgical EHR)', collect)
    .option('--users-table <table>', 'table of the users (default: users)')
    .option('--no-users-table', 'the host has no table of users: leave out the six keys to it')
    .option('--json', 'print the result as JSON for machines');
}

/** What the engine takes, from what stands on the command line. */
export async function engineOptions(options: EngineCommandOptions, io: CliIo): Promise<MigrateOptions> {
  return {
    address: await findDatabase(options, io),
    ...(options.dir === undefined ? {} : { dir: options.dir }),
    ...(options.onlyModule ? { onlyModule: true } : {}),
    ...(options.approve ? { approvals: options.approve } : {}),
    ...(options.linkTable ? { linkTables: options.linkTable } : {}),
    ...(typeof options.usersTable === 'string' || options.usersTable === false ? { usersTable: options.usersTable as string | false } : {}),
  };
}

/** The options of commands that take locks on live tables. */
export interface LockOptions {
  readonly lockWait?: number;
}

export function addLockOptions(command: Command): Command {
  return command.option('--lock-wait <seconds>', `how long to try for a lock in all (default: ${defaultLockPatience.totalMilliseconds / 1000})`, seconds);
}

export function lockPatience({ lockWait }: LockOptions): { patience?: LockPatience; migrationLockWaitMilliseconds?: number } {
  if (lockWait === undefined) return {};
  return { patience: { ...defaultLockPatience, totalMilliseconds: lockWait * 1000 }, migrationLockWaitMilliseconds: lockWait * 1000 };
}

/** What becomes of ids that belong to no patient, for all link tables at once. */
export function orphansOption(): Option {
  return new Option('--orphans <action>', 'resolve ids that belong to no patient, in every link table (see onechart migrate orphans)').choices(orphanActions);
}

/** For an option that may be repeated. */
export function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}

function seconds(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('It must be a number of seconds above 0.');
  return value;
}

/** Exit codes of commands that end well and still have something to say. */
export const exitPending = 2;
export const exitDrift = 4;
