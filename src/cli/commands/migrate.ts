import { createInterface } from 'node:readline/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { describeAddress } from '../../base/config.ts';
import { AppError } from '../../base/errors.ts';
import {
  applyMigration,
  type AssessedMigration,
  checkMigration,
  defaultLockPatience,
  type Finding,
  initMigration,
  type MigrateEvent,
  type MigrateOptions,
  migrationStatus,
  planMigration,
  verifyMigration,
} from '../../migrate/index.ts';
import { addDatabaseOptions, type DatabaseOptions, findDatabase } from '../database.ts';
import { type CliIo, note, print, printJson } from '../io.ts';
import { duration, progressBar, renderFindings, renderPlan, renderStatements, renderStatus, renderVerification } from '../migrate-view.ts';

interface Options extends DatabaseOptions {
  readonly json?: boolean;
  readonly dir?: string;
  readonly linkTable?: string[];
  /** Commander turns --no-users-table into false. */
  readonly usersTable?: string | boolean;
}

interface ApplyCommandOptions extends Options {
  readonly backup?: boolean;
  readonly yes?: boolean;
  readonly lockWait?: number;
}

const exitPending = 2;
const exitDrift = 4;

/** `onechart migrate …`: thin commands around the engine. */
export function addMigrateCommands(program: Command, io: CliIo): void {
  const migrate = program.command('migrate').description('bring the patient module to a live database, safely');
  const command = (name: string, description: string) =>
    addDatabaseOptions(migrate.command(name).description(description))
      .option('--dir <folder>', "the host's Prisma folder, when its own migration files count (see init)")
      .option(
        '--link-table <table>',
        'link table as table or table.column; repeat it (default: the five of the surgical EHR)',
        (value: string, before: string[] | undefined) => [...(before ?? []), value],
      )
      .option('--users-table <table>', 'table of the users (default: users)')
      .option('--no-users-table', 'the host has no table of users: leave out the six keys to it')
      .option('--json', 'print the result as JSON for machines');

  command('init', "write the module's migrations and Prisma models into the host's Prisma folder").action(async (options: Options) => {
    if (options.dir === undefined)
      throw new AppError('invalid', 'INIT_FOLDER_NOT_NAMED', "Which folder? Give the host's Prisma folder with --dir, for example --dir prisma.");
    const result = await initMigration({ ...(await engineOptions(options, io)), dir: options.dir });
    if (options.json) return printJson(io, result);
    for (const path of result.written) print(io, `written    ${path}`);
    for (const path of result.unchanged) print(io, `unchanged  ${path}`);
    for (const { model, table, lines } of result.additions)
      print(io, `\nAdd to model ${model} (table ${table}):\n${lines.map((line) => `  ${line}`).join('\n')}`);
    for (const sentence of result.notes) print(io, `\n${sentence}`);
    print(io, `\nNext: add these lines, commit, then: onechart migrate plan --dir ${options.dir}`);
  });

  command('status', 'compare the history and the catalogue with the migrations').action(async (options: Options) => {
    const { migrations, history, failedElsewhere } = await migrationStatus(await engineOptions(options, io));
    const failed = failedElsewhere.map(({ name }) => name);
    const conflict = migrations.some(
      ({ edited, history: state, complete, statements }) =>
        edited || (state === 'applied' && !complete) || statements.some(({ object }) => object.state === 'conflict'),
    );
    const pending = migrations.some(({ history: state, complete }) => state !== 'applied' || !complete);
    io.exitCode = failed.length > 0 ? 7 : conflict ? exitDrift : pending ? exitPending : 0;
    if (options.json) return printJson(io, { inSync: io.exitCode === 0, hasPrismaHistory: history !== undefined, failed, migrations: migrations.map(summary) });
    print(io, renderStatus(migrations));
    for (const name of failed)
      print(
        io,
        `The host's own migration ${name} failed and blocks every other. Look at what it left, then: npx prisma migrate resolve --applied ${name} or --rolled-back ${name}`,
      );
    print(
      io,
      {
        0: 'In sync.',
        2: 'Changes are pending. See them with: onechart migrate plan',
        4: 'The database does not look as its history says. See: onechart migrate verify',
        7: 'A person has to decide first.',
      }[io.exitCode] ?? '',
    );
  });

  command('check', 'look for everything that could stop the migration; changes nothing').action(async (options: Options) => {
    const address = await engineOptions(options, io);
    const { findings } = await checkMigration(address);
    io.exitCode = exitCodeOf(findings);
    if (options.json) return printJson(io, { ready: io.exitCode === 0, findings });
    print(io, `Checked ${describeAddress(address.address)}, schema ${address.address.schema}:`);
    print(io, renderFindings(findings));
    print(io, io.exitCode === 0 ? 'Nothing stands in the way.' : 'The migration would be stopped by what is marked block. Nothing was changed.');
  });

  command('plan', 'show each step with its lock, tables, time and expected write wait; changes nothing')
    .option('--sql', 'print the statements of each step too')
    .action(async (options: Options & { sql?: boolean }) => {
      const { plan, findings } = await planMigration(await engineOptions(options, io));
      const pending = plan.steps.length > 0 || plan.historyOnly.length > 0;
      io.exitCode = pending ? exitPending : 0;
      if (options.json) return printJson(io, { pending, steps: plan.steps, historyOnly: plan.historyOnly, findings });
      const warnings = findings.filter(({ level }) => level === 'warn');
      if (warnings.length > 0) print(io, renderFindings(warnings));
      if (!pending) return print(io, 'Nothing to do: everything is there, valid and as defined.');
      print(io, renderPlan(plan.steps, terminalWidth(io)));
      for (const name of plan.historyOnly) print(io, `${name}: all there; only its history row is finished.`);
      if (options.sql) print(io, `\n${renderStatements(plan.steps)}`);
      print(io, 'The statements: onechart migrate plan --sql. Apply it with: onechart migrate apply --no-backup');
    });

  command('apply', 'apply what is missing, online; run it again after any interruption')
    .option('--no-backup', 'say that a proven backup exists; needed until this command makes its own')
    .option('-y, --yes', 'do not ask')
    .option('--lock-wait <seconds>', `how long to try for a lock in all (default: ${defaultLockPatience.totalMilliseconds / 1000})`, seconds)
    .action(async (options: ApplyCommandOptions) => {
      const engine = await engineOptions(options, io);
      if (options.backup !== false)
        throw new AppError(
          'unsafe',
          'BACKUP_REQUIRED',
          'This version makes no backup of its own. Make one, prove it by restoring it, then say so with --no-backup.',
        );
      if (!options.yes) await askToApply(engine, io);
      const result = await applyMigration({
        ...engine,
        noBackup: true,
        ...(options.lockWait === undefined
          ? {}
          : { patience: { ...defaultLockPatience, totalMilliseconds: options.lockWait * 1000 }, migrationLockWaitMilliseconds: options.lockWait * 1000 }),
        onEvent: options.json ? () => undefined : showProgress(io),
      });
      const { verification, steps } = result;
      io.exitCode = verification.ok ? 0 : exitDrift;
      if (options.json)
        return printJson(io, {
          applied: steps.map(({ step, result: measured }) => ({ migration: step.migration, step: step.key, ...measured })),
          verification,
        });
      if (steps.length === 0) print(io, 'Nothing to do: everything is there, valid and as defined.');
      else
        print(
          io,
          `${steps.length} steps applied in ${duration(steps.reduce((sum, { result: { workMilliseconds, lockWaitMilliseconds } }) => sum + workMilliseconds + lockWaitMilliseconds, 0))}.`,
        );
      print(io, verification.ok ? `Verified: ${verification.items.length} checks passed.` : renderVerification(verification));
    });

  command('verify', 'verify every object by definition and validity, and try the module out in a rolled-back transaction').action(async (options: Options) => {
    const verification = await verifyMigration(await engineOptions(options, io));
    io.exitCode = verification.ok ? 0 : verification.pending ? exitPending : exitDrift;
    if (options.json) return printJson(io, verification);
    print(io, renderVerification(verification));
    print(
      io,
      verification.ok
        ? 'Verified.'
        : verification.pending
          ? 'Not applied yet. See: onechart migrate plan'
          : 'Not as it should be. onechart migrate apply makes what is missing; what has another definition needs a person.',
    );
  });

  async function engineOptions(options: Options, commandIo: CliIo): Promise<MigrateOptions> {
    return {
      address: await findDatabase(options, commandIo),
      ...(options.dir === undefined ? {} : { dir: options.dir }),
      ...(options.linkTable ? { linkTables: options.linkTable } : {}),
      ...(typeof options.usersTable === 'string' || options.usersTable === false ? { usersTable: options.usersTable as string | false } : {}),
    };
  }
}

function summary({ file, history, edited, complete, statements }: AssessedMigration): object {
  return {
    name: file.name,
    checksum: file.checksum,
    history,
    edited,
    complete,
    objects: statements.length,
    notPresent: statements.flatMap(({ effect, object }) => (object.state === 'present' ? [] : [{ kind: effect.kind, name: effect.name, ...object }])),
  };
}

function exitCodeOf(findings: readonly Finding[]): number {
  const blocks = findings.filter(({ level }) => level === 'block');
  if (blocks.length === 0) return 0;
  const kind = (['operator', 'drift'] as const).find((each) => blocks.some((block) => block.kind === each)) ?? blocks[0]?.kind ?? 'unsafe';
  return new AppError(kind, 'CHECK', '').face.exitCode;
}

async function askToApply(engine: MigrateOptions, io: CliIo): Promise<void> {
  const { plan } = await planMigration(engine);
  if (plan.steps.length === 0) return;
  if (!io.interactive)
    throw new AppError(
      'unsafe',
      'CONFIRMATION_REQUIRED',
      `${plan.steps.length} steps would be applied to ${describeAddress(engine.address)}. Look at them with onechart migrate plan, then add --yes.`,
    );
  print(io, renderPlan(plan.steps, terminalWidth(io)));
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`Apply these to ${describeAddress(engine.address)}? Type yes: `);
  terminal.close();
  if (answer.trim().toLowerCase() !== 'yes') throw new AppError('unsafe', 'NOT_CONFIRMED', 'Not confirmed; nothing was changed.');
}

/** A line per step on a terminal or in a log. */
export function showProgress(io: CliIo): (event: MigrateEvent) => void {
  let waitingFor = '';
  return (event) => {
    if (event.type === 'waiting-for-lock' && event.holder !== waitingFor) {
      waitingFor = event.holder;
      note(io, `Waiting for another migration: ${event.holder}`);
    }
    if (event.type === 'step-started' && io.interactive) io.stderr.write(`\r\u001b[K${progressBar(event.number - 1, event.of)} ${event.step.title}`);
    if (event.type === 'step-retried' && io.interactive) io.stderr.write(`\r\u001b[K${event.step.title}: waiting for its lock, attempt ${event.attempt + 1}`);
    if (event.type === 'step-finished') {
      const { attempts, workMilliseconds } = event.result;
      note(
        io,
        `${io.interactive ? '\r\u001b[K' : ''}${progressBar(event.number, event.of)} ${event.step.title}, ${duration(workMilliseconds)}${attempts > 1 ? `, lock obtained at attempt ${attempts}` : ''}`,
      );
    }
  };
}

function terminalWidth(io: CliIo): number {
  return (io.stdout as NodeJS.WriteStream).columns ?? 150;
}

function seconds(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('It must be a number of seconds above 0.');
  return value;
}
