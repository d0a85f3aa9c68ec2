import { type Command, InvalidArgumentError } from 'commander';
import type { SettingsSources } from '../settings/load.ts';

/** The flags of everything that reads the configuration of a server. */
export interface SettingOptions {
  readonly config?: string;
  readonly set?: readonly (readonly [key: string, value: string])[];
  readonly databaseUrl?: string;
  readonly schema?: string;
  readonly host?: string;
  readonly port?: string;
  readonly logLevel?: string;
}

const flagKeys = { databaseUrl: 'database.url', schema: 'database.schema', host: 'server.host', port: 'server.port', logLevel: 'log.level' } as const;
const flagNames = { databaseUrl: '--database-url', schema: '--schema', host: '--host', port: '--port', logLevel: '--log-level' } as const;

export function addSettingOptions(command: Command): Command {
  return command
    .option('--config <file>', 'configuration in JSON or YAML (default: ONECHART_CONFIG, or onechart.config.json or .yaml in the current folder)')
    .option('--set <key=value>', 'any setting of docs/configuration.md; may be given several times', collect, [])
    .option(
      '--database-url <url>',
      'as database.url (default: ONECHART_DATABASE_URL, DATABASE_URL, then PGHOST and its kin, then the running embedded database)',
    )
    .option('--schema <name>', 'as database.schema')
    .option('--host <address>', 'as server.host (default: 127.0.0.1; 0.0.0.0 opens it to the network, so put TLS in front)')
    .option('--port <number>', 'as server.port (default: 8080; 0 takes any free one)')
    .option('--log-level <level>', 'as log.level (default: info)');
}

/** What the flags say, for loadSettings. */
export function flagsOf(options: SettingOptions): NonNullable<SettingsSources['flags']> {
  const named = Object.entries(flagKeys).flatMap(([name, key]) => {
    const value = options[name as keyof typeof flagKeys];
    return value === undefined ? [] : [{ key, value, flag: flagNames[name as keyof typeof flagNames] }];
  });
  return [...named, ...(options.set ?? []).map(([key, value]) => ({ key, value, flag: `--set ${key}` }))];
}

function collect(text: string, before: readonly (readonly [string, string])[]): (readonly [string, string])[] {
  const equals = text.indexOf('=');
  if (equals < 1) throw new InvalidArgumentError('It must be a setting and its value, such as server.port=9000.');
  return [...before, [text.slice(0, equals), text.slice(equals + 1)]];
}
