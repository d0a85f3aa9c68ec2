import type { FastifyRequest } from 'fastify';
import type { Principal } from '../access/principal.ts';

const callers = new WeakMap<FastifyRequest, Principal>();

/** Notes who a request turned out to be from, for the log. */
export function rememberCaller(request: FastifyRequest, principal: Principal | undefined): void {
  if (principal) callers.set(request, principal);
}

export function callerOf(request: FastifyRequest): Principal | undefined {
  return callers.get(request);
}
