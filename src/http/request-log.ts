import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { callerOf } from './caller.ts';

/**
 * One line for each request, with nothing of a patient in it: the route as it is declared, never the address with its ids and
 * query; no header, no body. Probes are lines of the level debug, as a load balancer asks every second.
 */
export function addRequestLog(server: FastifyInstance): void {
  server.addHook('onResponse', (request, reply, done) => {
    const fields = fieldsOf(request, reply);
    if (reply.statusCode >= 500 && reply.statusCode !== 503) request.log.error(fields, 'request');
    else if (request.routeOptions.url?.startsWith('/health/')) request.log.debug(fields, 'request');
    else request.log.info(fields, 'request');
    done();
  });
  server.addHook('onRequestAbort', (request, done) => {
    request.log.info({ method: request.method, route: request.routeOptions.url ?? null }, 'the client went away');
    done();
  });
}

function fieldsOf(request: FastifyRequest, reply: FastifyReply): Record<string, unknown> {
  const length = Number(reply.getHeader('content-length'));
  return {
    method: request.method,
    route: request.routeOptions.url ?? null,
    status: reply.statusCode,
    ms: Math.round(reply.elapsedTime * 10) / 10,
    bytes: Number.isFinite(length) ? length : null,
    principal: callerOf(request)?.id ?? null,
  };
}
