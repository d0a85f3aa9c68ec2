import type { Command } from 'commander';
import { loadSettings } from '../../settings/load.ts';
import { showSettings } from '../../settings/show.ts';
import { type CliIo, print, printJson } from '../io.ts';
import { addSettingOptions, flagsOf, type SettingOptions } from '../settings.ts';

interface Options extends SettingOptions {
  readonly json?: boolean;
}

/** `onechart config`: what a server would run with. */
export function addConfigCommands(program: Command, io: CliIo): void {
  const config = program.command('config').description('the configuration of the server');
  addSettingOptions(config.command('show').description('show the effective configuration and where each value came from; secrets are not shown')).action(
    async (options: Options) => {
      const loaded = await loadSettings({ config: options.config, env: io.env, cwd: io.cwd, flags: flagsOf(options) });
      const shown = showSettings(loaded);
      if (options.json) return printJson(io, { file: loaded.file ?? null, settings: shown.map((each) => ({ ...each, value: each.value ?? null })) });
      const width = Math.max(...shown.map(({ key }) => key.length)) + 2;
      const values = shown.map(({ value }) => (value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value)));
      const room = Math.min(50, Math.max(...values.map((value) => value.length)) + 2);
      for (const [index, { key, source }] of shown.entries()) print(io, `${key.padEnd(width)}${(values[index] ?? '').padEnd(room)}${source}`);
      return undefined;
    },
  );
  addSettingOptions(config.command('check').description('check the configuration without starting anything; exit code 64 when something is wrong')).action(
    async (options: Options) => {
      const { file, origins } = await loadSettings({ config: options.config, env: io.env, cwd: io.cwd, flags: flagsOf(options) });
      if (options.json) printJson(io, { ok: true, file: file ?? null, given: origins.size });
      else print(io, `The configuration is right: ${origins.size} settings given${file === undefined ? '' : `, with ${file}`}, the others at their defaults.`);
    },
  );
}
