import { join } from 'node:path';
import pg from 'pg';
import { createSampleEhr, type WriterReport } from '../../sample-ehr/index.ts';
import { maintainAuditPartitions } from '../audit/partition.service.ts';
import { systemClock } from '../base/clock.ts';
import { type DatabaseAddress, describeAddress, resolveDatabase, toPgConfig } from '../base/config.ts';
import { AppError, toAppError } from '../base/errors.ts';
import { createLogger } from '../base/log.ts';
import { packageVersion } from '../base/version.ts';
import { type BackupSource, backupFolder, renderBackup, showBackupProgress } from '../cli/commands/migrate/backup.ts';
import { showProgress } from '../cli/commands/migrate/index.ts';
import { note, print, processIo } from '../cli/io.ts';
import { makeEmbeddedBackup } from '../cli/embedded-backup.ts';
import { count, renderFindings, renderPlan, renderVerification } from '../cli/migrate-view.ts';
import { reportError } from '../cli/program.ts';
import { shownPath, withReport, type WrittenReport } from '../cli/report-files.ts';
import { embeddedAddress, homeFolder, startEmbedded, stopEmbedded } from '../embedded/index.ts';
import { createPool, kyselyOnPool } from '../db/connect.ts';
import { translateDatabaseError } from '../db/sqlstate.ts';
import { openMetrics } from '../http/metrics.ts';
import { type OpenHttp, openHttp } from '../http/open.ts';
import { listen } from '../http/server.ts';
import { untilStopped } from '../base/until-stopped.ts';
import {
  type ApplyResult,
  applyMigration,
  checkMigration,
  defaultLinkTables,
  makeBackup,
  planMigration,
  type ProvenBackup,
  verifyMigration,
} from '../migrate/index.ts';
import { loadSettings } from '../settings/load.ts';
import { type DemoAccount, ensureDemoAccounts } from './accounts.ts';
import { parseStartOptions, type StartOptions } from './options.ts';
import { type LoadedPatients, loadPatients } from './patients.ts';
import { heading, renderTour } from './tour.ts';
import { startWriterThread } from './writer-thread.ts';

// `npm start`: everything once, on a database that may be played with, and then the server.

const io = processIo();
const defaultPort = 8080;
const triedPorts = 20;
/** As `onechart migrate plan`: changes are pending. */
const exitPending = 2;

try {
  const options = parseStartOptions(process.argv.slice(2), (text) => io.stdout.write(text));
  if (options) await start(options);
  process.exit(io.exitCode);
} catch (thrown) {
  const error = toAppError(thrown);
  reportError(error, { io, json: false });
  process.exit(error.face.exitCode);
}

async function start(options: StartOptions): Promise<void> {
  const own = resolveDatabase({}, io.env);
  const stopping = untilStopped();
  const home = homeFolder({ home: options.home, env: io.env, cwd: io.cwd });
  const database = own ? undefined : await openEmbedded(home);
  try {
    const address = own ?? (await embeddedAddress({ home }));
    if (own) print(io, `Using ${describeAddress(own)} (from ${own.source}). No sample data is added to it.`);
    // A signal in the middle of the tour ends it where it is; everything it does can be gone on with.
    const interrupted = stopping.then((signal) => {
      throw new AppError('resumable', 'START_INTERRUPTED', `Ended by ${signal}. What was done is whole; the next npm start goes on from there.`);
    });
    interrupted.catch(() => undefined);
    const touring = tour({ address, options, home: own === undefined ? home : undefined });
    touring.catch(() => undefined);
    const serving = await Promise.race([touring, interrupted]);
    if (options.exit) return await serving.close();
    print(io, `\nServing until Ctrl-C. In another terminal: bin/onechart --help${options.home === undefined ? '' : `, with ONECHART_HOME=${home}`}`);
    const signal = await stopping;
    note(io, `${signal}: finishing open requests.`);
    await serving.close();
  } finally {
    if (database?.started && !options.keepDatabase) {
      await stopEmbedded({ home });
      note(io, 'The embedded PostgreSQL is stopped; its data stays. Start it alone with: bin/onechart db start');
    }
  }
}

async function openEmbedded(home: string): Promise<{ started: boolean }> {
  note(io, `Starting an embedded PostgreSQL in ${home}.`);
  const database = await startEmbedded({ home });
  note(io, `PostgreSQL ${database.started ? 'started' : 'runs already'} on 127.0.0.1:${database.port}.`);
  return database;
}

interface Tour {
  readonly address: DatabaseAddress;
  readonly options: StartOptions;
  /** Home of the embedded database with the sample; undefined on a database of one's own. */
  readonly home: string | undefined;
}

async function tour({ address: first, options, home }: Tour): Promise<{ close(): Promise<void> }> {
  const sample = home !== undefined;
  const mayApply = sample || options.yes;
  let address = first;
  let step = 0;
  let rows: number | undefined;
  if (sample) {
    print(io, heading((step += 1), 'A sample surgical EHR with live rows'));
    rows = await ensureSampleEhr(address, options.rows);
  }

  print(io, heading((step += 1), 'Check: what could stop the migration'));
  const { findings } = await checkMigration({ address });
  print(io, renderFindings(findings));

  print(io, heading((step += 1), 'Plan: each step with its lock and its expected write wait'));
  const { plan } = await planMigration({ address });
  const pending = plan.steps.length > 0 || plan.historyOnly.length > 0;
  print(io, pending ? renderPlan(plan.steps, process.stdout.columns ?? 150) : 'Nothing to do: everything is there, valid and as defined.');

  let applied: ApplyResult | undefined;
  let report: WrittenReport | undefined;
  let writer: WriterReport | undefined;
  if (pending && mayApply) {
    let backup: BackupSource = { noBackup: true };
    if (options.backup) {
      print(io, heading((step += 1), sample ? 'Back up: a cold copy, proven by a second server on it' : 'Back up: a dump, proven by restoring it'));
      const made = await backUp(address, { options, home });
      print(io, `${made.file}\n${renderBackup(made)}`);
      // The server was stopped for a cold copy and may have come back on another port.
      if (home !== undefined) address = await embeddedAddress({ home });
      backup = { backup: () => Promise.resolve(made) };
    }
    print(io, heading((step += 1), sample ? 'Apply: online, while four connections go on writing' : 'Apply: online'));
    ({ applied, report, writer } = await apply(address, { home, backup }));
  } else if (pending) {
    if (options.exit) io.exitCode = exitPending;
    print(io, `\nNothing was changed. Apply it with: bin/onechart migrate apply\nor: npm start -- --yes`);
  }

  const inSync = !pending || applied !== undefined;
  const verification = applied?.verification ?? (inSync ? await verifyMigration({ address }) : undefined);
  if (verification) {
    print(io, heading((step += 1), "Verify: every object by definition, the runbook's queries, and a trial that is rolled back"));
    print(io, renderVerification(verification));
    if (!verification.ok)
      throw new AppError('drift', 'VERIFICATION_FAILED', 'The database is not as it should be; the lines above say where. Run bin/onechart migrate status.');
  }

  if (verification && mayApply) await makePartitions(address);

  let patients: LoadedPatients | undefined;
  if (sample) {
    print(io, heading((step += 1), 'Register synthetic patients'));
    patients = await loadPatients(address, options.patients);
    print(io, `${count(patients.registered)} registered, ${count(patients.total)} in the registry.`);
  }

  let accounts: DemoAccount[] | undefined;
  if (home !== undefined) accounts = await ensureDemoAccounts(address, home);
  const { settings } = await loadSettings({ env: withoutDatabase(io.env), cwd: io.cwd });
  // The terminal is for the tour: a line for each request is what `onechart serve` is for.
  const http = openHttp({ settings, address, metrics: await openMetrics(settings.metrics), log: createLogger({ name: 'onechart', level: 'warn' }) });
  const url = await openServer(http.server, options.port);
  print(
    io,
    `\n${renderTour({ database: describeAddress(address), rows, findings, plan, applied, verification, report: report && shownPath(io, report.html), writer, patients, url, accounts })}`,
  );
  return { close: async () => void (await http.stop({ delaySeconds: 0, limitSeconds: settings.server.shutdownLimitSeconds })) };
}

/** Months of the audit trail to come have partitions of their own from the start; whoever may not make them leaves that to `onechart audit maintain`. */
async function makePartitions(address: DatabaseAddress): Promise<void> {
  const pool = createPool(address, { maxConnections: 1, applicationName: 'onechart start' });
  try {
    await maintainAuditPartitions(kyselyOnPool(pool), { now: systemClock.now() });
  } catch (thrown) {
    const error = toAppError(translateDatabaseError(thrown));
    if (error.code !== 'DATABASE_PRIVILEGE_MISSING' && error.kind !== 'busy') throw error;
    note(io, `The months of the audit trail have no partitions of their own yet: let the owner of the tables run bin/onechart audit maintain. [${error.code}]`);
  } finally {
    await pool.end();
  }
}

/** Builds the sample EHR, or finds the one of an earlier start. */
async function ensureSampleEhr(address: DatabaseAddress, rows: number): Promise<number | undefined> {
  const client = new pg.Client(toPgConfig(address, 'onechart start'));
  // A connection that breaks is reported by the query on it; without a listener it would end the process.
  client.on('error', () => undefined);
  await client.connect();
  try {
    const ehr = await createSampleEhr(client, { rows });
    const total = Object.values(ehr.rows).reduce((sum, each) => sum + each, 0);
    print(
      io,
      Object.entries(ehr.rows)
        .filter(([, each]) => each > 0)
        .map(([table, each]) => `${table} ${count(each)}`)
        .join(', '),
    );
    return total;
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'SAMPLE_EHR_PRESENT') throw error;
    print(io, 'It is there from an earlier start and is used as it is.');
    return undefined;
  } finally {
    await client.end();
  }
}

/** Before the writer starts: a cold copy stops the server for a moment. Of the sample the last two are kept. */
async function backUp(address: DatabaseAddress, { options, home }: { options: StartOptions; home: string | undefined }): Promise<ProvenBackup> {
  const onProgress = showBackupProgress(io);
  if (home !== undefined) return makeEmbeddedBackup({ home, address, folder: join(home, 'backups'), keep: 2, onProgress });
  const folder = backupFolder(io, undefined);
  return makeBackup({
    address,
    folder,
    linkTables: defaultLinkTables,
    pgDump: options.pgDump,
    passphrase: io.env.ONECHART_BACKUP_PASSPHRASE || undefined,
    onProgress,
  });
}

async function apply(
  address: DatabaseAddress,
  { home, backup }: { home: string | undefined; backup: BackupSource },
): Promise<{ applied: ApplyResult; report: WrittenReport | undefined; writer: WriterReport | undefined }> {
  const writer = home !== undefined ? await startWriterThread({ database: toPgConfig(address, 'sample EHR'), ratePerSecond: 200 }) : undefined;
  try {
    // The report of the sample lies with its database and its backups.
    const options = home === undefined ? {} : { reportDir: io.env.ONECHART_REPORT_DIR || join(home, 'reports') };
    const { result, report } = await withReport({ io, address, options, onEvent: showProgress(io) }, (onEvent) =>
      applyMigration({ address, ...backup, version: packageVersion(), onEvent }),
    );
    return { applied: result, report, writer: await writer?.stop() };
  } catch (error) {
    await writer?.stop();
    throw error;
  }
}

/** The tour has found its database already, and in its own way. */
function withoutDatabase(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(?:ONECHART_)?DATABASE_URL(?:_FILE)?$/.test(name)));
}

/** A port that was asked for is insisted on; the default one gives way to the next free one. */
async function openServer(server: OpenHttp['server'], port: number | undefined): Promise<string> {
  if (port !== undefined) return listen(server, { port, host: '127.0.0.1' });
  for (let tried = defaultPort; ; tried += 1) {
    try {
      const url = await listen(server, { port: tried, host: '127.0.0.1' });
      if (tried !== defaultPort) note(io, `Port ${defaultPort} is taken by another program; listening on ${tried} instead.`);
      return url;
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'HTTP_PORT_TAKEN' || tried >= defaultPort + triedPorts) throw error;
    }
  }
}
