import type { Command } from 'commander';
import { type DatabaseAddress, describeAddress, parseDatabaseUrl } from '../../base/config.ts';
import { AppError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { loadSettings, type LoadedSettings } from '../../settings/load.ts';
import { type CliIo, print, printJson } from '../io.ts';
import { addSettingOptions, flagsOf, type SettingOptions } from '../settings.ts';

interface Options extends SettingOptions {
  readonly home?: string;
  readonly json?: boolean;
}

/** `onechart serve`: the registry over HTTP in the foreground, until a signal ends it. */
export function addServeCommand(program: Command, io: CliIo): void {
  addSettingOptions(program.command('serve').description('serve the registry over HTTP until SIGTERM or Ctrl-C'))
    .option('--home <folder>', 'folder of the embedded database (default: ONECHART_HOME, or .onechart in the current folder)')
    .action(async (options: Options) => {
      const loaded = await loadSettings({ config: options.config, env: io.env, cwd: io.cwd, flags: flagsOf(options) });
      const address = await addressOf(loaded, { io, home: options.home });
      await serve({ settings: loaded.settings, address, io, json: options.json === true });
    });
}

/** Loaded here and not above: the other commands need none of it. */
async function serve({
  settings,
  address,
  io,
  json,
}: {
  settings: LoadedSettings['settings'];
  address: DatabaseAddress;
  io: CliIo;
  json: boolean;
}): Promise<void> {
  const [{ createLogger }, { openHttp, startWarnings }, { openMetrics }, { untilStopped }] = await Promise.all([
    import('../../base/log.ts'),
    import('../../http/open.ts'),
    import('../../http/metrics.ts'),
    import('../../base/until-stopped.ts'),
  ]);
  const log = createLogger({ name: 'onechart', level: settings.log.level });
  const http = openHttp({ settings, address, log, metrics: await openMetrics(settings.metrics) });
  const signalled = untilStopped();
  let failed = true;
  let worker: { stop(): Promise<void> } | undefined;
  try {
    if (settings.events.worker) worker = await startWorker({ address, settings, log });
    const url = await http.listen();
    if (json) printJson(io, { url, ...(http.metricsUrl === undefined ? {} : { metricsUrl: http.metricsUrl }) });
    else print(io, `Listening on ${url} for ${describeAddress(address)}. Ctrl-C ends it.`);
    void sayHowItStands({ http, log, settings, address, warningsOf: startWarnings });
    const signal = await signalled;
    failed = false;
    log.info({ signal }, 'finishing what was accepted');
  } finally {
    const { delaySeconds, limitSeconds } = { delaySeconds: settings.server.shutdownDelaySeconds, limitSeconds: settings.server.shutdownLimitSeconds };
    // The worker notes how far it came while the last requests are answered.
    const [{ cut }] = await Promise.all([http.stop({ delaySeconds: failed ? 0 : delaySeconds, limitSeconds }), worker?.stop()]);
    log.info({ cut }, 'stopped');
    if (cut > 0) io.exitCode = unfinished(cut, limitSeconds, log);
  }
}

/** Loaded here: a server that leaves events to a process of its own pays nothing for the queue. */
async function startWorker(options: { address: DatabaseAddress; settings: LoadedSettings['settings']; log: Logger }) {
  const { startWorkerBeside } = await import('../event-worker.ts');
  return startWorkerBeside(options);
}

function unfinished(cut: number, limitSeconds: number, log: Logger): number {
  const error = new AppError(
    'busy',
    'SHUTDOWN_UNFINISHED',
    `${cut} requests were not finished within ${limitSeconds} seconds and were cut off. None of them was acknowledged. Raise server.shutdownLimitSeconds.`,
    { cut },
  );
  log.error({ code: error.code, cut }, error.message);
  return error.face.exitCode;
}

/** Says once, in words, whether it is ready and what should be different. */
async function sayHowItStands({
  http,
  log,
  settings,
  address,
  warningsOf,
}: {
  http: { assertReady(): Promise<void> };
  log: Logger;
  settings: LoadedSettings['settings'];
  address: DatabaseAddress;
  warningsOf: (options: { settings: LoadedSettings['settings']; address: DatabaseAddress }) => Promise<string[]>;
}): Promise<void> {
  try {
    await http.assertReady();
    // Since the process was started, imports and all.
    log.info({ ms: Math.round(performance.now()) }, 'ready');
  } catch (thrown) {
    if (thrown instanceof AppError) log.error({ code: thrown.code }, `Not ready: ${thrown.message} /health/ready says when it is.`);
    else log.error({ err: thrown }, 'not ready');
    return;
  }
  for (const warning of await warningsOf({ settings, address })) log.warn(warning);
}

/** The database of the settings; without one the PG* variables of libpq count, then the running embedded one. */
async function addressOf({ settings, origins }: LoadedSettings, { io, home }: { io: CliIo; home: string | undefined }): Promise<DatabaseAddress> {
  const { url, schema } = settings.database;
  if (url !== undefined) {
    const origin = origins.get('database.url');
    const address = parseDatabaseUrl(url, origin === '--database-url' || origin === 'DATABASE_URL' ? origin : 'database.url');
    return schema === undefined ? address : { ...address, schema };
  }
  const { findDatabase } = await import('../database.ts');
  return findDatabase({ ...(schema === undefined ? {} : { schema }), ...(home === undefined ? {} : { home }) }, io);
}
