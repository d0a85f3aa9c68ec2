import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Option } from 'commander';
import colors from 'picocolors';
import { AppError } from '../../../base/errors.ts';
import { lintPath, lintRules, type Severity } from '../../../migrate/index.ts';
import { addDatabaseOptions, type DatabaseOptions, findDatabase } from '../../database.ts';
import { print, printJson } from '../../io.ts';
import { reaches, renderGithub, renderLint, renderRules } from '../../lint-view.ts';
import { collect, type MigrateCommands } from './options.ts';

interface LintCommandOptions extends DatabaseOptions {
  readonly live?: boolean;
  readonly all?: boolean;
  readonly json?: boolean;
  readonly format: 'text' | 'github' | 'json';
  readonly failOn: Severity;
  readonly include?: string[];
  readonly exclude?: string[];
  readonly autocommit?: boolean;
  readonly notes?: boolean;
  readonly rules?: boolean;
}

/** Findings that stand are a safety check that stopped something. */
const exitUnsafe = 3;

/** `onechart migrate lint [dir]`: for any Prisma migrations folder; connects to a database only when told to. */
export function addLintCommand({ io, migrate }: MigrateCommands): void {
  addDatabaseOptions(migrate.command('lint [dir]').description('find what is dangerous in migrations, with a safe rewrite for each; needs no database'))
    .option('--live', 'weigh the findings by the tables of the database that DATABASE_URL or PGHOST name (--database-url does so by itself)')
    .option('--all', 'with a database: look at applied migrations too, not only at pending ones')
    .addOption(new Option('--format <format>', 'how to print').choices(['text', 'github', 'json']).default('text'))
    .option('--json', 'the same as --format json')
    .addOption(new Option('--fail-on <severity>', 'exit 3 from this severity on').choices(['error', 'warning', 'note']).default('error'))
    .option('--notes', 'show notes one by one, not only their number')
    .option('--include <rule>', 'look for an opt-in rule too; repeat it', collect)
    .option('--exclude <rule>', 'do not look for a rule; repeat it', collect)
    .option('--autocommit', 'the files are run with psql -f or the like, where each statement commits by itself')
    .option('--rules', 'list the rules and end')
    .action(async (dir: string | undefined, options: LintCommandOptions) => {
      const format = options.json ? 'json' : options.format;
      if (options.rules) return format === 'json' ? printJson(io, lintRules.map(described)) : print(io, renderRules(lintRules));
      const path = folderToLint(dir, io.cwd);
      const asked = options.live === true || options.databaseUrl !== undefined;
      const named = asked ? await findDatabase(options, io) : undefined;
      const report = await lintPath(path, {
        ...(named ? { address: named } : {}),
        ...(options.all ? { all: true } : {}),
        ...(options.include ? { include: options.include } : {}),
        ...(options.exclude ? { exclude: options.exclude } : {}),
        ...(options.autocommit ? { runner: 'autocommit' as const } : {}),
      });
      io.exitCode = reaches(report.findings, options.failOn) ? exitUnsafe : 0;
      if (format === 'json') return printJson(io, { ok: io.exitCode === 0, ...report });
      if (format === 'github') {
        if (report.findings.length > 0) print(io, renderGithub(report, io.cwd));
        return;
      }
      if (named && report.files === 0) return print(io, 'No migration is pending. Applied ones are looked at with --all.');
      const terminal = (io.stdout as NodeJS.WriteStream).isTTY === true;
      print(
        io,
        renderLint(report, {
          colours: colors.createColors(terminal && colors.isColorSupported),
          cwd: io.cwd,
          notes: options.notes === true || options.failOn === 'note',
        }),
      );
    });
}

function folderToLint(dir: string | undefined, cwd: string): string {
  if (dir !== undefined) return resolve(cwd, dir);
  if (existsSync(resolve(cwd, 'prisma'))) return resolve(cwd, 'prisma');
  throw new AppError('invalid', 'LINT_PATH_NOT_NAMED', 'There is no prisma folder here. Name the folder of the migrations: onechart migrate lint <dir>');
}

function described({ id, title, why, rewrite, severity, optIn, avoidedByApply, squawk }: (typeof lintRules)[number]): object {
  return { id, title, why, rewrite, severity, optIn: optIn === true, avoidedByApply: avoidedByApply === true, squawk: squawk ?? [] };
}
