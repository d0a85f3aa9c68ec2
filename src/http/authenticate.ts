import { timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { AccessSettings } from '../access/access-settings.schema.ts';
import { authenticateKey, looksLikeKey } from '../access/key.service.ts';
import type { Principal } from '../access/principal.ts';
import { authenticateSession } from '../access/session.service.ts';
import { authenticateToken } from '../access/token.service.ts';
import { routes } from '../api/routes.ts';
import { AppError } from '../base/errors.ts';
import type { Ctx } from '../db/context.ts';
import type { ServerRegistry } from './registry.ts';
import { readSessionCookie } from './session-cookie.ts';

interface Surroundings {
  readonly registry: ServerRegistry;
  readonly access: AccessSettings;
  readonly isHttps: (request: FastifyRequest) => boolean;
  readonly requireOwnOrigin: (request: FastifyRequest) => void;
}

/** Methods that change nothing (RFC 9110 §9.2.1). */
const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Routes that act for nobody in particular: a session that happens to be there is not used, so needs no proof of intent. */
const publicRoutes = new Set(routes.flatMap(({ access, method, path }) => (access === 'public' ? [`${method} ${path}`] : [])));

/**
 * Finds out who calls: `Authorization: Bearer` with a key of ours or a JWT, else the cookie of a session.
 *
 * A header that is there must be right; a cookie of a session that is over is as good as none, as browsers keep sending it.
 * With a cookie, a request that changes something needs the session's token in `x-csrf-token` and must not come from another site.
 *
 * Errors: `AUTHORIZATION_UNKNOWN`, `KEY_REFUSED`, `TOKEN_…`, `CSRF_TOKEN_WRONG`, `ORIGIN_FOREIGN`.
 */
export function createAuthenticator(around: Surroundings): (request: FastifyRequest) => Promise<Principal | undefined> {
  const { registry, access } = around;
  return async (request) => {
    const ctx: Ctx = { ...registry.base, actor: { kind: 'service', name: 'anonymous' }, requestId: request.id, origin: request.ip };
    const { authorization, cookie } = request.headers;
    if (authorization !== undefined) return byHeader(ctx, authorization, access);
    const token = readSessionCookie(cookie, around.isHttps(request));
    if (token === undefined) return undefined;
    const principal = await authenticateSession(ctx, token, access.session);
    if (principal && !safeMethods.has(request.method)) {
      if (publicRoutes.has(`${request.method} ${request.routeOptions.url}`)) return undefined;
      requireIntent(request, principal);
      around.requireOwnOrigin(request);
    }
    return principal;
  };
}

async function byHeader(ctx: Ctx, authorization: string, access: AccessSettings): Promise<Principal> {
  const credentials = /^Bearer +([^\s]+) *$/i.exec(authorization)?.[1];
  if (credentials === undefined)
    throw new AppError('unauthenticated', 'AUTHORIZATION_UNKNOWN', 'The Authorization header is of no known kind. Send Bearer and a key or a token.');
  if (looksLikeKey(credentials)) {
    const principal = await authenticateKey(ctx, credentials);
    if (!principal)
      throw new AppError('unauthenticated', 'KEY_REFUSED', 'This key is wrong, revoked or expired. Ask an administrator: onechart keys list shows which.');
    return principal;
  }
  if (!access.token)
    throw new AppError(
      'unauthenticated',
      'TOKEN_NOT_TAKEN',
      'This server takes keys of its own as bearer, and no tokens. Make a key with onechart keys create.',
    );
  return authenticateToken(ctx, credentials, access.token);
}

/** A page of another site can make a browser send the cookie at most, never read the token that belongs to it. */
function requireIntent(request: FastifyRequest, { csrf = '' }: Principal): void {
  const sent = request.headers['x-csrf-token'];
  const fits = typeof sent === 'string' && sent.length === csrf.length && timingSafeEqual(Buffer.from(sent), Buffer.from(csrf));
  if (!fits)
    throw new AppError('forbidden', 'CSRF_TOKEN_WRONG', 'x-csrf-token is missing or not that of this session. GET /api/v1/session gives it as csrfToken.', {
      field: 'x-csrf-token',
    });
}
