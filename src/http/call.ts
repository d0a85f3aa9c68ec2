import type { FastifyReply, FastifyRequest } from 'fastify';
import { mayDo } from '../access/access.ts';
import { recordRefusal } from '../access/break-glass.service.ts';
import { accessDenied } from '../access/field-rights.ts';
import type { Principal } from '../access/principal.ts';
import { isBinary, type RouteContract } from '../api/contract.ts';
import { AppError } from '../base/errors.ts';
import { parseInput } from '../base/parse-input.ts';
import type { Ctx } from '../db/context.ts';
import type { ReadPlace } from '../db/replicas.ts';
import { translateDatabaseError } from '../db/sqlstate.ts';
import { bindPatientRepository } from '../patient/patient-repository.ts';
import type { Answer, Binding, Call } from './bind.ts';
import { rememberCaller } from './caller.ts';
import type { Idempotency } from './idempotency.ts';
import { isKnownToCaller, readVersion } from './if-match.ts';
import { readQueryValues } from './query-values.ts';
import { actorOf, type ServerRegistry } from './registry.ts';
import type { Security } from './security.ts';

/** How far the caller has written and read: given with answers, and sent back by a client that the next time may meet another server process. */
const positionHeader = 'onechart-position';

export interface CallSettings {
  readonly registry: ServerRegistry;
  /** Who calls; undefined for nobody known. Throws an AppError for wrong credentials. */
  readonly authenticate: (request: FastifyRequest) => Promise<Principal | undefined>;
  readonly idempotency: Idempotency;
  readonly security: Security;
}

/** The way of every request: who calls, may they, is it well-formed, do it, answer. */
export function createCallHandler(binding: Binding, settings: CallSettings): (request: FastifyRequest, reply: FastifyReply) => Promise<unknown> {
  const { contract } = binding;
  const { registry } = settings;
  return async (request, reply) => {
    const principal = await settings.authenticate(request);
    rememberCaller(request, principal);
    requireAccess(contract, principal);
    const place = await findReadPlace({ contract, request, principal, registry });
    const ctx: Ctx = {
      ...registry.base,
      ...(place?.db === undefined ? {} : { laggingDb: place.db }),
      actor: principal ? actorOf(principal) : { kind: 'service', name: 'anonymous' },
      requestId: request.id,
      origin: request.ip,
      ...(principal?.kind === 'trusted' ? {} : { viewer: { role: principal?.role ?? 'NOBODY', id: principal?.id ?? '' } }),
    };
    const checked = {
      params: contract.params && parseInput(contract.params, request.params),
      query: contract.query && parseInput(contract.query, readQueryValues(contract.query, request.query)),
      body: contract.body === undefined || isBinary(contract.body) ? undefined : parseInput(contract.body, request.body === undefined ? {} : request.body),
      version: readVersion(contract, request.headers['if-match']),
      principal,
      registry,
      security: settings.security,
      request,
      reply,
    };
    const work = (inside: Ctx): Promise<Answer> =>
      binding.handle({ ...checked, ctx: inside, patients: bindPatientRepository(inside, registry.settings) } as Call);
    const noteWrite = () => {
      const mark = contract.method === 'GET' || contract.mayLag ? undefined : registry.replicas?.wrote(readerName(principal, request));
      if (mark !== undefined) reply.header(positionHeader, mark);
    };
    if (place?.mark !== undefined) reply.header(positionHeader, place.mark);
    try {
      const answer = await settings.idempotency.answer({ contract, request, principal, ctx }, work);
      noteWrite();
      return send(request, reply, answer);
    } catch (error) {
      // Of an error while COMMIT was under way nobody knows whether it was written.
      noteWrite();
      // What read outside a transaction comes in the words of the database.
      const thrown = translateDatabaseError(error);
      if (thrown instanceof AppError && thrown.code === 'CHART_RESTRICTED') await recordRefusal(ctx, String(thrown.details.id));
      throw isMalformedId(thrown, request.params) ? idNotFound() : thrown;
    }
  };
}

/** Whose writes a read must not miss. */
function readerName(principal: Principal | undefined, request: FastifyRequest): string {
  return principal === undefined ? `address:${request.ip}` : `${principal.kind}:${principal.id}`;
}

/** Where a read of this caller may be answered from; undefined where nothing but the primary will do. */
async function findReadPlace({
  contract,
  request,
  principal,
  registry,
}: {
  contract: RouteContract;
  request: FastifyRequest;
  principal: Principal | undefined;
  registry: ServerRegistry;
}): Promise<ReadPlace | undefined> {
  if (!contract.mayLag || registry.replicas === undefined) return undefined;
  const given = request.headers[positionHeader];
  return registry.replicas.placeFor(readerName(principal, request), typeof given === 'string' ? given : undefined);
}

/** On a host whose ids are UUIDs nothing has another id; only the database knows which host it is. */
function isMalformedId(thrown: unknown, params: unknown): boolean {
  return (
    thrown instanceof AppError &&
    thrown.code === 'VALUE_MALFORMED' &&
    Object.values(params as Record<string, string>).some((value) => !/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(value))
  );
}

function idNotFound(): AppError {
  return new AppError('not-found', 'ID_NOT_FOUND', 'Nothing has an id of this form here: ids of this registry are UUIDs. Check the path.');
}

function send(request: FastifyRequest, reply: FastifyReply, answer: Answer): unknown {
  if ((request.method === 'GET' || request.method === 'HEAD') && isKnownToCaller(request.headers['if-none-match'], answer.headers?.etag)) {
    return reply.code(304).headers({ etag: answer.headers?.etag }).send();
  }
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
  throw accessDenied(principal.role, contract.access);
}
