import { type Command, InvalidArgumentError } from 'commander';
import { describeAddress } from '../../base/config.ts';
import { createLogger } from '../../base/log.ts';
import { createReadiness } from '../../http/readiness.ts';
import { createServer, listen } from '../../http/server.ts';
import { untilStopped } from '../../http/until-stopped.ts';
import { addDatabaseOptions, type DatabaseOptions, findDatabase } from '../database.ts';
import { type CliIo, note, print, printJson } from '../io.ts';

interface Options extends DatabaseOptions {
  readonly port: number;
  readonly host: string;
  readonly json?: boolean;
}

/** `onechart serve`: the HTTP server in the foreground, until a signal ends it. */
export function addServeCommand(program: Command, io: CliIo): void {
  addDatabaseOptions(program.command('serve').description('serve health and OpenAPI over HTTP until Ctrl-C'))
    .option('--port <number>', 'port to listen on; 0 takes any free one', parsePort, 8080)
    .option('--host <address>', 'address to listen on; 0.0.0.0 opens it to the network, so put TLS and access control in front', '127.0.0.1')
    .action(async (options: Options) => {
      const address = await findDatabase(options, io);
      const readiness = createReadiness(address);
      const server = createServer({ assertReady: readiness.assertReady, log: createLogger({ name: 'http' }) });
      server.addHook('onClose', readiness.close);
      try {
        const url = await listen(server, { port: options.port, host: options.host });
        if (options.json) printJson(io, { url });
        else print(io, `Listening on ${url} for ${describeAddress(address)}. Ctrl-C ends it.`);
        const signal = await untilStopped();
        note(io, `${signal}: finishing open requests.`);
      } finally {
        await server.close();
      }
    });
}

export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65535) throw new InvalidArgumentError('It must be a number from 0 to 65535.');
  return port;
}
