import type { FastifyReply, FastifyRequest } from 'fastify';
import type { RouteContract } from '../api/contract.ts';
import { AppError } from '../base/errors.ts';
import { mergePatch } from './bodies.ts';

/**
 * Answers what no route takes: 404 for an unknown path, 405 with Allow for a method that a known path does not have
 * (RFC 9110 §15.5.6), and OPTIONS, which tells the same without being an error.
 */
export function createUnroutedHandler(contracts: readonly RouteContract[]): (request: FastifyRequest, reply: FastifyReply) => FastifyReply {
  const paths = [...Map.groupBy(contracts, ({ path }) => path)].map(([path, those]) => ({ pattern: patternOf(path), methods: methodsOf(those) }));
  return (request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '';
    const methods = new Set(paths.filter(({ pattern }) => pattern.test(path)).flatMap((known) => known.methods));
    if (methods.size === 0) throw new AppError('not-found', 'ROUTE_NOT_FOUND', 'There is no such route. /openapi.json lists those there are.');
    reply.header('allow', [...methods].join(', '));
    if (request.method === 'OPTIONS')
      return reply
        .code(204)
        .headers(methods.has('PATCH') ? { 'accept-patch': `${mergePatch}, application/json` } : {})
        .send();
    throw new AppError('method', 'METHOD_NOT_ALLOWED', 'This path does not take this method. The header Allow lists those it takes.', {
      allowed: [...methods],
    });
  };
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}/?$`);
}

function methodsOf(contracts: readonly RouteContract[]): string[] {
  return [...contracts.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method])), 'OPTIONS'];
}
