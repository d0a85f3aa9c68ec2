import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import type { Readiness } from '../api/health.schema.ts';
import { type DatabaseAddress, parseDatabaseUrl } from '../base/config.ts';
import { readSealingKey } from '../audit/seal.ts';
import { type Sealer, startSealing } from '../audit/seal.service.ts';
import { AppError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { createPool } from '../db/connect.ts';
import { type Mending, startMending } from '../search/mend.service.ts';
import { readExcessRights } from '../db/module-catalogue.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Settings } from '../settings/settings.schema.ts';
import { createReadiness } from './readiness.ts';
import { openServerRegistry, type ServerRegistry, type ServerRegistryOptions } from './registry.ts';
import { type MetricsListener, serveMetrics } from './metrics.ts';
import { createServer, listen } from './server.ts';
import { type Shutdown, type ShutdownTimes, watchShutdown } from './shutdown.ts';

export interface HttpOptions {
  readonly settings: Settings;
  readonly address: DatabaseAddress;
  readonly log: Logger;
  /** What `openMetrics` gave; served on a listener of its own. */
  readonly metrics?: Metrics | undefined;
}

export interface OpenHttp {
  readonly server: FastifyInstance;
  /** Throws an AppError that says why requests cannot be served. */
  assertReady(): Promise<void>;
  listen(): Promise<string>;
  /** Where a scrape goes, once it listens; undefined where metrics have no listener. */
  readonly metricsUrl: string | undefined;
  /** Answers what was accepted, gives record numbers back, seals the audit trail, closes the connections. */
  stop(times: ShutdownTimes): Promise<{ cut: number }>;
}

/** The whole server as its configuration wants it, not yet listening. */
export function openHttp({ settings, address, log, metrics }: HttpOptions): OpenHttp {
  const { server: ours } = settings;
  const readiness = createReadiness(address);
  const registry = openServerRegistry(address, {
    maxConnections: settings.database.maxConnections,
    statementSeconds: settings.database.statementSeconds,
    ...settings.facility,
    breakGlass: settings.breakGlass,
    documents: settings.documents,
    events: settings.events,
    paper: settings.paper,
    exportSeconds: settings.export.limitSeconds,
    meter: metrics,
    replicas: replicasOf({ settings, address, log }),
  });
  const around: { shutdown?: Shutdown; mending?: Mending; listener?: MetricsListener; metricsUrl?: string } = {};
  const assertReady = async () => {
    around.shutdown?.assertStaying();
    await readiness.assertReady();
  };
  const server = createServer({
    assertReady,
    replicaHealth: () => healthOf(registry),
    registry,
    log,
    metrics,
    bodyLimitBytes: ours.bodyLimitKilobytes * 1024,
    requestTimeoutMilliseconds: ours.requestTimeoutSeconds * 1000,
    trustProxy: ours.trustProxy,
    security: {
      access: settings.access,
      limits: settings.limits,
      corsOrigins: settings.cors.origins,
      https: ours.publicUrl?.startsWith('https:') ?? false,
    },
    ...(ours.tlsCertificateFile === undefined || ours.tlsKeyFile === undefined
      ? {}
      : { tls: { cert: readText(ours.tlsCertificateFile, 'server.tlsCertificateFile'), key: readText(ours.tlsKeyFile, 'server.tlsKeyFile') } }),
  });
  const shutdown = watchShutdown(server);
  around.shutdown = shutdown;
  const sealer = startSealer({ settings, base: registry.base, log });
  if (metrics) {
    server.addHook('onReady', async () => {
      around.listener = await serveMetrics(metrics, { address, settings: settings.metrics, registry, shutdown, log });
      around.metricsUrl = await around.listener.listen();
      log.info({ url: around.metricsUrl }, 'metrics are served');
    });
  }
  server.addHook('onListen', () => {
    if (settings.search.mend) around.mending = startMending(registry.base, log);
  });
  // After the last answer: nothing may be registered any more when the numbers go back.
  server.addHook('onClose', async () => {
    await around.mending?.stop();
    await sealer?.stop();
    await around.listener?.close();
    await registry.close();
    await readiness.close();
  });
  return {
    server,
    assertReady,
    get metricsUrl() {
      return around.metricsUrl === undefined ? undefined : `${around.metricsUrl}/metrics`;
    },
    listen: () => listen(server, { port: ours.port, host: ours.host }),
    stop: (times) => shutdown.stop(times),
  };
}

/** The standbys of the configuration. Their changes are told in the log: nobody else notices, as the primary answers instead. */
function replicasOf({ settings, address, log }: HttpOptions): ServerRegistryOptions['replicas'] {
  const { database } = settings;
  return {
    // The schema of the registry is the same on every server that replays the same log.
    replicas: database.replicaUrls.map((url) => ({ ...parseDatabaseUrl(url, 'database.replicaUrls'), schema: address.schema })),
    waitMilliseconds: database.replicaWaitMilliseconds,
    maxLagSeconds: database.replicaMaxLagSeconds,
    pollMilliseconds: database.replicaPollMilliseconds,
    onState: (replica, state, where) => {
      if (state === 'in-use') log.info({ replica, state }, `Replica ${replica} (${where}) is read from.`);
      else log.warn({ replica, state }, `Replica ${replica} (${where}) is ${state}: it is not read from until that is over.`);
    },
  };
}

function healthOf({ replicas }: ServerRegistry): Readiness['checks']['replicas'] {
  return replicas?.figures().replicas.map(({ name, state, lagSeconds }) => ({ replica: name, state, lagSeconds: lagSeconds ?? null }));
}

/** What a person should know about this configuration and database, in words. None of it keeps the server from starting. */
export async function startWarnings({ settings, address }: Pick<HttpOptions, 'settings' | 'address'>): Promise<string[]> {
  const warnings: string[] = [];
  const { host, tlsCertificateFile, trustProxy } = settings.server;
  if (!isLoopback(host) && tlsCertificateFile === undefined && trustProxy.length === 0) {
    warnings.push(
      `It listens on ${host} without TLS, and whoever is on the network can read charts. Set server.tlsCertificateFile and server.tlsKeyFile, or put a reverse proxy in front and name it in server.trustProxy.`,
    );
  }
  const { metrics } = settings;
  if (metrics.port !== undefined && metrics.token === undefined && !isLoopback(metrics.host))
    warnings.push(`Metrics are served on ${metrics.host} to whoever is on the network. Set metrics.token, or let the network keep others away.`);
  const pool = createPool(address, { maxConnections: 1, applicationName: 'onechart serve start' });
  try {
    const excess = await readExcessRights(pool as unknown as Parameters<typeof readExcessRights>[0]);
    if (excess.length > 0) {
      warnings.push(
        `The database role ${address.user} may ${excess.join(', ')}. A server needs none of it: let it log in as a role that is a member of onechart_app (docs/runbooks/serve.md).`,
      );
    }
  } catch {
    // What keeps the database from answering is the business of readiness.
  } finally {
    await pool.end();
  }
  return warnings;
}

function isLoopback(host: string): boolean {
  return ['127.0.0.1', '::1', 'localhost'].includes(host);
}

function startSealer({ settings, base: { pool, meter }, log }: { settings: Settings; base: ServerRegistry['base']; log: Logger }): Sealer | undefined {
  const { sealSeconds, signingKeyFile } = settings.audit;
  if (sealSeconds === 0 || pool === undefined) return undefined;
  const key = signingKeyFile === undefined ? undefined : readSealingKey(readText(signingKeyFile, 'audit.signingKeyFile'));
  return startSealing({ pool, everyMilliseconds: sealSeconds * 1000, key, log, meter });
}

function readText(path: string, key: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new AppError('unavailable', 'KEY_FILE_UNREADABLE', `The file of ${key} cannot be read. Correct its path or its rights.`, { key }, { cause });
  }
}
