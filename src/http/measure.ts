import type { FastifyInstance } from 'fastify';
import type { Metrics } from '../metrics/metrics.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of the contract that the route was made from. */
    readonly operationId?: string;
  }
}

/** Counts every answer by its operation, after it has left. */
export function measureRequests(server: FastifyInstance, metrics: Metrics): void {
  server.addHook('onResponse', (request, reply, done) => {
    metrics.answered(request.routeOptions.config.operationId ?? 'none', {
      status: reply.statusCode,
      milliseconds: reply.elapsedTime,
      replayed: reply.getHeader('idempotent-replayed') !== undefined,
    });
    done();
  });
  server.addHook('onRequestAbort', (_request, done) => {
    metrics.aborted();
    done();
  });
}
