import { AppError } from '../../../base/errors.ts';
import { initMigration } from '../../../migrate/index.ts';
import { print, printJson } from '../../io.ts';
import { type EngineCommandOptions, engineOptions, type MigrateCommands } from './options.ts';

export function addInitCommand({ io, command }: MigrateCommands): void {
  command('init', "write the module's migrations and Prisma models into the host's Prisma folder").action(async (options: EngineCommandOptions) => {
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
}
