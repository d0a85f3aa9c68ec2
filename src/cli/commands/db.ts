import { type Command, InvalidArgumentError } from 'commander';
import { embeddedAddress, embeddedStatus, homeFolder, startEmbedded, stopEmbedded } from '../../embedded/index.ts';
import { toDatabaseUrl } from '../../base/config.ts';
import { type CliIo, note, print, printJson } from '../io.ts';

interface Options {
  home?: string;
  port?: number;
  json?: boolean;
}

/** `onechart db …`: the embedded PostgreSQL of a home folder. */
export function addDbCommands(program: Command, io: CliIo): void {
  const db = program.command('db').description('start, stop and find the embedded PostgreSQL');
  const homeOf = (options: Options) => homeFolder({ home: options.home, env: io.env, cwd: io.cwd });
  const command = (name: string, description: string) =>
    db
      .command(name)
      .description(description)
      .option('--home <folder>', 'folder of the database (default: ONECHART_HOME, or .onechart in the current folder)')
      .option('--json', 'print the result as JSON for machines');

  command('start', 'start it, or find it running')
    .option('--port <number>', 'port on 127.0.0.1 (default: the one it had, else a free one)', parsePort)
    .action(async (options: Options) => {
      const database = await startEmbedded({ home: homeOf(options), port: options.port });
      if (options.json) {
        const { url: _withPassword, ...rest } = database;
        printJson(io, { ...rest, running: true });
        return;
      }
      print(io, `PostgreSQL ${database.started ? 'started' : 'runs already'} on 127.0.0.1:${database.port} (process ${database.pid}).`);
      print(io, `Its data is in ${database.dataFolder}.`);
      if (database.movedFrom !== undefined) note(io, `Port ${database.movedFrom} is used by another process now; the database moved to ${database.port}.`);
    });

  command('stop', 'stop it; nothing committed is lost').action(async (options: Options) => {
    const result = await stopEmbedded({ home: homeOf(options) });
    if (options.json) printJson(io, result);
    else print(io, result.stopped ? 'PostgreSQL stopped.' : 'PostgreSQL was not running.');
  });

  command('status', 'say whether it runs, where and on which port').action(async (options: Options) => {
    const status = await embeddedStatus({ home: homeOf(options) });
    if (options.json) printJson(io, status);
    else if (status.running)
      print(io, `PostgreSQL runs on 127.0.0.1:${status.port} (process ${status.pid}). Its data is in ${status.dataFolder}, its log is ${status.log}.`);
    else
      print(
        io,
        status.exists
          ? `PostgreSQL is stopped. Its data is in ${status.dataFolder}.`
          : `There is no database in ${status.home} yet. \`onechart db start\` makes one.`,
      );
  });

  command('url', 'print its address, password included').action(async (options: Options) => {
    const address = await embeddedAddress({ home: homeOf(options) });
    if (options.json) printJson(io, { url: toDatabaseUrl(address) });
    else print(io, toDatabaseUrl(address));
  });

  command('psql-env', 'print the variables psql and its kin need: eval "$(onechart db psql-env)"').action(async (options: Options) => {
    const address = await embeddedAddress({ home: homeOf(options) });
    const variables = {
      PGHOST: address.host,
      PGPORT: String(address.port),
      PGUSER: address.user,
      PGPASSWORD: address.password ?? '',
      PGDATABASE: address.database,
    };
    if (options.json) printJson(io, variables);
    else for (const [name, value] of Object.entries(variables)) print(io, `export ${name}='${value.replaceAll("'", "'\\''")}'`);
  });
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw new InvalidArgumentError('It must be a number from 1 to 65535.');
  return port;
}
