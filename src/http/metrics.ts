import { createHash, timingSafeEqual } from 'node:crypto';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { routes } from '../api/routes.ts';
import type { DatabaseAddress } from '../base/config.ts';
import type { Logger } from '../base/log.ts';
import { createPool } from '../db/connect.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { MetricsSettings } from '../settings/settings.schema.ts';
import type { ServerRegistry } from './registry.ts';
import { listen } from './server.ts';
import type { Shutdown } from './shutdown.ts';

/** The metrics of a server that is to have some. A server without a listener for them does not load the library. */
export async function openMetrics({ port }: Pick<MetricsSettings, 'port'>): Promise<Metrics | undefined> {
  if (port === undefined) return undefined;
  const { createMetrics } = await import('../metrics/metrics.ts');
  return createMetrics({ operations: routes.map(({ operationId }) => operationId) });
}

/** What a scrape is filled from, beside what has been counted. */
export interface MetricsSources {
  readonly address: DatabaseAddress;
  readonly settings: MetricsSettings;
  readonly registry: ServerRegistry;
  readonly shutdown: Pick<Shutdown, 'running'>;
  readonly log: Logger;
}

export interface MetricsListener {
  /** Where they are served now. */
  listen(): Promise<string>;
  close(): Promise<void>;
}

/**
 * Serves `GET /metrics` on a listener of its own. Not on the port of the API: what publishes that port would publish them too, and a
 * scrape has to come through when sign-in, limits and the database's connections do not work, which is when it is needed.
 */
export async function serveMetrics(metrics: Metrics, { address, settings, registry, shutdown, log }: MetricsSources): Promise<MetricsListener> {
  const [{ watchProcess }, { startReadings }] = await Promise.all([import('../metrics/process.service.ts'), import('../metrics/readings.service.ts')]);
  const watched = watchProcess(metrics);
  const readings = startReadings(metrics, {
    pool: createPool(address, { maxConnections: 1, statementSeconds: 3, connectMilliseconds: 3_000, applicationName: 'onechart metrics' }),
    everyMilliseconds: settings.databaseSeconds * 1000,
    log,
  });
  metrics.onScrape(() => tellState(metrics, { registry, shutdown }));
  const server = createListener(metrics, settings.token);
  return {
    listen: () => listen(server, { port: settings.port ?? 0, host: settings.host }, { port: 'metrics.port', host: 'metrics.host' }),
    close: async () => {
      watched.close();
      await server.close();
      await readings.close();
    },
  };
}

function createListener(metrics: Metrics, token: string | undefined): FastifyInstance {
  const server = fastify({ logger: false, requestTimeout: 10_000, bodyLimit: 1_024, forceCloseConnections: true });
  const wanted = token === undefined ? undefined : digestOf(token);
  server.setNotFoundHandler((_request, reply) => reply.code(404).type('text/plain; charset=utf-8').send('Metrics are at /metrics.\n'));
  server.get('/metrics', async (request: FastifyRequest, reply: FastifyReply) => {
    if (wanted !== undefined && !timingSafeEqual(digestOf(/^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1] ?? ''), wanted))
      return reply.code(401).header('www-authenticate', 'Bearer realm="metrics"').type('text/plain; charset=utf-8').send('Send metrics.token as bearer.\n');
    return reply
      .header('cache-control', 'no-store')
      .type(metrics.contentType)
      .send(await metrics.render());
  });
  return server;
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Numbers that are there all the time, and are looked at when somebody asks. */
function tellState(metrics: Metrics, { registry, shutdown }: Pick<MetricsSources, 'registry' | 'shutdown'>): void {
  metrics.set('onechart_http_requests_in_flight', shutdown.running);
  metrics.set('onechart_mrn_numbers_at_hand', registry.settings.mrns.atHand());
  const { pool } = registry.base;
  if (pool !== undefined) {
    metrics.set('onechart_database_pool_size', pool.options.max ?? 0);
    metrics.set('onechart_database_pool_connections', pool.idleCount, { state: 'idle' });
    metrics.set('onechart_database_pool_connections', pool.totalCount - pool.idleCount, { state: 'used' });
    metrics.set('onechart_database_pool_waiting', pool.waitingCount);
  }
  if (registry.replicas !== undefined) tellReplicas(metrics, registry.replicas.figures());
}

function tellReplicas(metrics: Metrics, { replicas, primaryReads }: ReturnType<NonNullable<ServerRegistry['replicas']>['figures']>): void {
  metrics.clear('onechart_replica_lag_seconds');
  for (const { name, state, lagSeconds, reads, failures } of replicas) {
    const labels = { replica: name };
    metrics.set('onechart_replica_in_use', state === 'in-use' ? 1 : 0, labels);
    if (lagSeconds !== undefined) metrics.set('onechart_replica_lag_seconds', lagSeconds, labels);
    metrics.set('onechart_replica_reads_total', reads, labels);
    metrics.set('onechart_replica_failures_total', failures, labels);
  }
  for (const [reason, count] of Object.entries(primaryReads)) metrics.set('onechart_primary_reads_total', count, { reason });
}
