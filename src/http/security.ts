import type { IncomingMessage, ServerResponse } from 'node:http';
import cors from '@fastify/cors';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import helmet from 'helmet';
import { AccessSettings } from '../access/access-settings.schema.ts';
import type { Principal } from '../access/principal.ts';
import { AppError } from '../base/errors.ts';
import type { RefusalReason } from '../base/meter.ts';
import { createAuthenticator } from './authenticate.ts';
import { addressKey, createLimit, isRefusal } from './limits.ts';
import type { ServerRegistry } from './registry.ts';

/** What a deployment decides about the outer defences. Every part left out has the safe default. */
export interface SecurityOptions {
  readonly access?: AccessSettings;
  readonly limits?: Partial<RequestLimits>;
  /** Web applications of other origins that may call with a session: `https://ehr.example.org`. None unless given. */
  readonly corsOrigins?: readonly string[];
  /** Whether people reach the server by https although this process does not see it (a proxy ends TLS and is not trusted to say so). */
  readonly https?: boolean;
}

export interface RequestLimits {
  /** Of one caller: an account, a key, a token, or an address where nobody is known; 0 switches it off. */
  readonly requestsPerMinute: number;
  /** Refused attempts to sign in from one address; 0 switches it off. */
  readonly signInsPerMinute: number;
}

/** What the routes need of it. */
export interface Security {
  readonly access: AccessSettings;
  /** Who calls; undefined for nobody known. Throws for wrong credentials, a missing CSRF token and too many requests. */
  readonly authenticate: (request: FastifyRequest) => Promise<Principal | undefined>;
  /** Signs in where not too many attempts from this address were refused. Errors: `RATE_LIMITED`. */
  readonly limitSignIn: <T>(request: FastifyRequest, work: () => Promise<T>) => Promise<T>;
  /** Refuses a request that another site made a browser send. Errors: `ORIGIN_FOREIGN`. */
  readonly requireOwnOrigin: (request: FastifyRequest) => void;
  /** Whether the cookies of this request are for https alone. */
  readonly isHttps: (request: FastifyRequest) => boolean;
}

const defaultLimits: RequestLimits = { requestsPerMinute: 6_000, signInsPerMinute: 10 };

/**
 * The outer defences of a server: headers, CORS, limits, and who calls.
 * Called before routes are added; works for every route of the server, those for what is not found too.
 */
export function secure(server: FastifyInstance, options: SecurityOptions & { registry?: ServerRegistry | undefined }): Security {
  const access = options.access ?? AccessSettings.parse({});
  const limits = { ...defaultLimits, ...options.limits };
  const corsOrigins = options.corsOrigins ?? [];
  addHeaders(server, { https: options.https === true });
  if (corsOrigins.length > 0) {
    server.register(cors, {
      origin: [...corsOrigins],
      credentials: true,
      methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
      allowedHeaders: [
        'content-type',
        'authorization',
        'x-csrf-token',
        'if-match',
        'if-none-match',
        'idempotency-key',
        'x-request-id',
        'content-disposition',
        'repr-digest',
        'range',
        'if-range',
        'onechart-position',
      ],
      exposedHeaders: [
        'etag',
        'location',
        'link',
        'retry-after',
        'x-request-id',
        'onechart-position',
        'content-disposition',
        'content-range',
        'repr-digest',
        'accept-ranges',
      ],
      maxAge: 600,
    });
  }
  const ofCaller = createLimit(server, { name: 'caller', perMinute: limits.requestsPerMinute });
  const ofSignIn = createLimit(server, { name: 'sign-in', perMinute: limits.signInsPerMinute });
  const isHttps = (request: FastifyRequest) => options.https === true || request.protocol === 'https';
  const requireOwnOrigin = (request: FastifyRequest) => refuseForeignOrigin(request, corsOrigins);
  const prove = options.registry ? createAuthenticator({ registry: options.registry, access, isHttps, requireOwnOrigin }) : undefined;
  return {
    access,
    async authenticate(request) {
      let principal: Principal | undefined;
      try {
        principal = await prove?.(request);
      } catch (error) {
        // Wrong credentials count against the address; right ones never suffer from a neighbour's wrong ones.
        if (error instanceof AppError && error.kind === 'unauthenticated') options.registry?.base.meter?.signInRefused(proofOf(error));
        if (isRefusal(error)) await ofCaller.count(request, addressKey(request.ip));
        throw error;
      }
      await ofCaller.count(request, principal ? `${principal.kind} ${principal.id}` : addressKey(request.ip));
      return principal;
    },
    limitSignIn: (request, work) => ofSignIn.countRefusals(request, addressKey(request.ip), work),
    requireOwnOrigin,
    isHttps,
  };
}

/** What kind of proof was refused. */
function proofOf({ code }: AppError): RefusalReason {
  if (code === 'KEY_REFUSED') return 'key';
  return code.startsWith('TOKEN_') ? 'token' : 'other';
}

/** Headers that an error asks for: how to sign in (RFC 9110 §11.6.1, RFC 6750 §3), when to come again (RFC 6585 §4). */
export function errorHeaders(error: AppError): Record<string, string> {
  if (error.kind === 'unauthenticated') {
    const wrong = error.code.startsWith('TOKEN_') || error.code === 'KEY_REFUSED';
    return { 'www-authenticate': `Bearer realm="onechart"${wrong ? ', error="invalid_token"' : ''}` };
  }
  if (error.kind === 'range') return { 'content-range': `bytes */${String(error.details.size)}` };
  const wait = error.details.retryAfterSeconds;
  return error.kind === 'limited' && typeof wait === 'number' ? { 'retry-after': String(wait) } : {};
}

/**
 * Content security policy of everything but pages, which bring their own: answers are data, and nothing in them may load, run or be framed.
 */
const policyOfData = { useDefaults: false, directives: { defaultSrc: ["'none'"], baseUri: ["'none'"], formAction: ["'none'"], frameAncestors: ["'none'"] } };

/** The headers never change, so they are made once: 1 µs for a request, where building them each time took 13 (measured). */
function addHeaders(server: FastifyInstance, options: { https: boolean }): void {
  const plain = headersOf({ strictTransportSecurity: false });
  const https = headersOf({ strictTransportSecurity: { maxAge: 31_536_000, includeSubDomains: true } });
  server.addHook('onRequest', (request: FastifyRequest, reply: FastifyReply, done: () => void) => {
    reply.headers(options.https || request.protocol === 'https' ? https : plain);
    done();
  });
}

function headersOf(options: { strictTransportSecurity: false | { maxAge: number; includeSubDomains: boolean } }): Record<string, string> {
  const headers: Record<string, string> = {};
  const response = { setHeader: (name: string, value: string) => (headers[name.toLowerCase()] = value), removeHeader: () => undefined };
  helmet({ contentSecurityPolicy: policyOfData, frameguard: { action: 'deny' }, ...options })(
    {} as IncomingMessage,
    response as unknown as ServerResponse,
    () => undefined,
  );
  return headers;
}

/** Browsers say where a request comes from (Fetch Metadata); what says nothing is no browser, and carries no cookie that it was not given by hand. */
function refuseForeignOrigin(request: FastifyRequest, allowed: readonly string[]): void {
  const site = request.headers['sec-fetch-site'];
  const { origin } = request.headers;
  if (origin !== undefined && allowed.includes(origin)) return;
  const own = site === undefined ? origin === undefined || hostOf(origin) === request.host : site === 'same-origin' || site === 'none';
  if (!own)
    throw new AppError(
      'forbidden',
      'ORIGIN_FOREIGN',
      'This request was made by a page of another site. Where that site is yours, add its origin to cors.origins.',
    );
}

/** Without the scheme: behind a proxy that ends TLS and is not named in trustProxy this process does not know it. */
function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
