import type { FastifyReply, FastifyRequest } from 'fastify';
import { mayDo } from '../access/access.ts';
import type { Principal } from '../access/principal.ts';
import { isBinary, type RouteContract } from '../api/contract.ts';
import { AppError } from '../base/errors.ts';
import { parseInput } from '../base/parse-input.ts';
import type { Ctx } from '../db/context.ts';
import { bindPatientRepository } from '../patient/patient-repository.ts';
import type { Answer, Binding, Call } from './bind.ts';
import { rememberCaller } from './caller.ts';
import { readVersion } from './if-match.ts';
import { readQueryValues } from './query-values.ts';
import { actorOf, type ServerRegistry } from './registry.ts';

export interface CallSettings {
  readonly registry: ServerRegistry;
  /** Who calls; undefined for nobody known. Throws an AppError for wrong credentials. */
  readonly authenticate: (request: FastifyRequest) => Promise<Principal | undefined>;
}

/** The way of every request: who calls, may they, is it well-formed, do it, answer. */
export function createCallHandler(binding: Binding, settings: CallSettings): (request: FastifyRequest, reply: FastifyReply) => Promise<unknown> {
  const { contract } = binding;
  const { registry } = settings;
  return async (request, reply) => {
    const principal = await settings.authenticate(request);
    rememberCaller(request, principal);
    requireAccess(contract, principal);
    const ctx: Ctx = {
      ...registry.base,
      actor: principal ? actorOf(principal) : { kind: 'service', name: 'anonymous' },
      requestId: request.id,
      origin: request.ip,
      ...(principal?.kind === 'trusted' ? {} : { viewer: { role: principal?.role ?? 'NOBODY', id: principal?.id ?? '' } }),
    };
    const call: Call = {
      params: contract.params && parseInput(contract.params, request.params),
      query: contract.query && parseInput(contract.query, readQueryValues(contract.query, request.query)),
      body: contract.body === undefined || isBinary(contract.body) ? undefined : parseInput(contract.body, request.body === undefined ? {} : request.body),
      version: readVersion(contract, request.headers['if-match']),
      ctx,
      patients: bindPatientRepository(ctx, registry.settings),
      principal,
      registry,
      request,
      reply,
    } as Call;
    return send(reply, await binding.handle(call));
  };
}

function send(reply: FastifyReply, answer: Answer): unknown {
  reply.code(answer.status);
  if (answer.headers) reply.headers(answer.headers);
  return reply.send(answer.body);
}

function requireAccess(contract: RouteContract, principal: Principal | undefined): void {
  if (contract.access === 'public') return;
  if (!principal) {
    throw new AppError('unauthenticated', 'CREDENTIALS_MISSING', 'This route needs a known caller. Sign in, or send a key as Authorization: Bearer.');
  }
  if (contract.access === 'signed-in' || principal.kind === 'trusted' || mayDo(principal.role, contract.access)) return;
  throw new AppError('forbidden', 'ACCESS_DENIED', `The role ${principal.role} may not do this. Ask an administrator for a role with ${contract.access}.`, {
    scope: contract.access,
    role: principal.role,
  });
}
