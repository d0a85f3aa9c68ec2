import { describeAddress } from '../../../base/config.ts';
import { AppError } from '../../../base/errors.ts';
import {
  type AssessedMigration,
  checkMigration,
  type Finding,
  migrationStatus,
  type OrphanAction,
  planMigration,
  verifyMigration,
} from '../../../migrate/index.ts';
import { print, printJson } from '../../io.ts';
import { renderPlanLint } from '../../lint-view.ts';
import { renderFindings, renderPlan, renderStatements, renderStatus, renderVerification } from '../../migrate-view.ts';
import { type EngineCommandOptions, engineOptions, exitDrift, exitPending, type MigrateCommands, orphansOption } from './options.ts';
import { terminalWidth } from './progress.ts';

/** The commands that look and change nothing: status, check, plan, verify. */
export function addInspectCommands({ io, command }: MigrateCommands): void {
  command('status', 'compare the history and the catalogue with the migrations').action(async (options: EngineCommandOptions) => {
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

  command('check', 'look for everything that could stop the migration; changes nothing').action(async (options: EngineCommandOptions) => {
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
    .addOption(orphansOption())
    .action(async (options: EngineCommandOptions & { sql?: boolean; orphans?: OrphanAction }) => {
      const { plan, findings, lint } = await planMigration({ ...(await engineOptions(options, io)), orphans: options.orphans });
      const pending = plan.steps.length > 0 || plan.historyOnly.length > 0;
      io.exitCode = pending ? exitPending : 0;
      if (options.json) return printJson(io, { pending, steps: plan.steps, historyOnly: plan.historyOnly, findings, lint: lint.findings });
      const warnings = findings.filter(({ level }) => level === 'warn');
      if (warnings.length > 0) print(io, renderFindings(warnings));
      if (!pending) return print(io, 'Nothing to do: everything is there, valid and as defined.');
      print(io, renderPlan(plan.steps, terminalWidth(io)));
      for (const name of plan.historyOnly) print(io, `${name}: all there; only its history row is finished.`);
      const dangers = renderPlanLint(lint);
      if (dangers !== '') print(io, dangers);
      if (options.sql) print(io, `\n${renderStatements(plan.steps)}`);
      print(io, 'The statements: onechart migrate plan --sql. Apply it with: onechart migrate apply');
    });

  command('verify', 'verify every object by definition and validity, and try the module out in a rolled-back transaction').action(
    async (options: EngineCommandOptions) => {
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
    },
  );
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
