import { randomUUID } from 'node:crypto';
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
  fastify,
  LogController,
} from 'fastify';
import type { Principal } from '../access/principal.ts';
import { isBinary, type RouteContract } from '../api/contract.ts';
import type { Liveness, Readiness } from '../api/health.schema.ts';
import { openApiDocument } from '../api/openapi.ts';
import { healthRoutes, liveRoute, openApiRoute, readyRoute, referenceRoute, startRoute } from '../api/health.routes.ts';
import { routes } from '../api/routes.ts';
import { AppError, toAppError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { packageVersion } from '../base/version.ts';
import { acceptJsonBodies } from './bodies.ts';
import { answerBrokenRequest } from './broken-request.ts';
import { createCallHandler } from './call.ts';
import { addCompression } from './compression.ts';
import { acceptFiles } from './files.ts';
import { createIdempotency } from './idempotency.ts';
import { measureRequests } from './measure.ts';
import { createPages } from './pages.ts';
import { fromClientFault, isClientFault, toProblem } from './problem.ts';
import type { ServerRegistry } from './registry.ts';
import { addRequestLog } from './request-log.ts';
import { bindings } from './routes/index.ts';
import { errorHeaders, type SecurityOptions, secure } from './security.ts';
import { createUnroutedHandler } from './unrouted.ts';

export interface ServerOptions {
  /** Resolves when requests can be served; throws an AppError that says why not. */
  readonly assertReady: () => Promise<void>;
  /** How the replicas are, where there are some. */
  readonly replicaHealth?: () => Readiness['checks']['replicas'];
  readonly log?: Logger;
  /** Left out, only health and description are served. */
  readonly registry?: ServerRegistry;
  /** The most that a body of JSON may be; 1 MiB unless given. */
  readonly bodyLimitBytes?: number;
  readonly requestTimeoutMilliseconds?: number;
  /** Proxies whose X-Forwarded headers are believed. */
  readonly trustProxy?: readonly string[];
  /** Certificate chain and key in PEM; with them the server speaks HTTPS. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Counts requests; nobody does unless given. */
  readonly metrics?: Metrics | undefined;
  /** Sign-in, limits, headers, CORS. What is left out has the safe default. */
  readonly security?: SecurityOptions;
  /** Finds out who calls in another way than by sessions, keys and tokens: for tests and measurements. */
  readonly authenticate?: (request: FastifyRequest) => Promise<Principal | undefined>;
}

/** The HTTP server, not yet listening: `inject` works on it, and `listen` opens it. */
export function createServer(options: ServerOptions): FastifyInstance {
  const sendProblem = createProblemSender(options.metrics);
  const server = fastify({
    ...(options.log === undefined ? { logger: false } : { loggerInstance: options.log as FastifyBaseLogger }),
    genReqId: (request) => acceptedRequestId(request.headers['x-request-id']) ?? randomUUID(),
    // One line of ours for each request instead: Fastify's own have the raw address, and with it names that were searched for.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    // A hung client must not hold a connection for ever.
    requestTimeout: options.requestTimeoutMilliseconds ?? 300_000,
    bodyLimit: options.bodyLimitBytes ?? 1_048_576,
    trustProxy: options.trustProxy === undefined || options.trustProxy.length === 0 ? false : [...options.trustProxy],
    // An id of a host with text ids has up to 255 characters, each up to nine bytes as it stands in a path.
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 255 * 9 },
    frameworkErrors: (error, request, reply) => void sendProblem(error, request, reply.header('x-request-id', request.id)),
    clientErrorHandler: answerBrokenRequest,
    forceCloseConnections: 'idle',
    // What comes in on a connection that is still open is served; shutdown.ts tells its client to go elsewhere afterwards.
    return503OnClosing: false,
    ...(options.tls === undefined ? {} : { https: { ...options.tls, minVersion: 'TLSv1.2' } }),
  } as FastifyServerOptions);
  addRequestLog(server);
  if (options.metrics) measureRequests(server, options.metrics);
  server.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    reply.header('x-content-type-options', 'nosniff');
    reply.header('cache-control', 'no-store');
  });
  const unrouted = createUnroutedHandler(options.registry ? routes : healthRoutes);
  server.setNotFoundHandler(unrouted);
  // Fastify reads the body first: what is wrong with that does not matter where no route would take it.
  server.setErrorHandler((thrown, request, reply) => {
    if (!(request.is404 && isClientFault(thrown))) return sendProblem(thrown, request, reply);
    try {
      return unrouted(request, reply);
    } catch (error) {
      return sendProblem(error, request, reply);
    }
  });
  acceptJsonBodies(server);
  addCompression(server);

  const security = secure(server, { ...options.security, registry: options.registry });

  const version = packageVersion();
  serve(server, liveRoute, async (): Promise<Liveness> => ({ status: 'live', version }));
  serve(server, readyRoute, async (): Promise<Readiness> => {
    await options.assertReady();
    const replicas = options.replicaHealth?.();
    return { status: 'ready', checks: { database: 'reachable', migrations: 'in-sync', ...(replicas === undefined ? {} : { replicas }) } };
  });
  const pages = createPages(() => openApiDocument(routes, version));
  serve(server, openApiRoute, pages.description);
  serve(server, referenceRoute, pages.reference);
  serve(server, startRoute, pages.start);
  if (options.registry) {
    const idempotency = createIdempotency();
    server.addHook('onClose', () => idempotency.close());
    const settings = { registry: options.registry, authenticate: options.authenticate ?? security.authenticate, idempotency, security };
    for (const binding of bindings) serve(server, binding.contract, createCallHandler(binding, settings));
  }
  return server;
}

function createProblemSender(metrics: Metrics | undefined): (thrown: unknown, request: FastifyRequest, reply: FastifyReply) => FastifyReply {
  return (thrown, request, reply) => {
    const error = isClientFault(thrown) ? fromClientFault(thrown) : toAppError(thrown);
    metrics?.failed(error.kind);
    if (error.kind === 'internal') request.log.error({ err: thrown }, 'request failed');
    return reply.code(error.face.httpStatus).headers(errorHeaders(error)).type('application/problem+json').send(toProblem(error, request.id));
  };
}

function serve(server: FastifyInstance, contract: RouteContract, handler: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>): void {
  const route = { method: contract.method, url: contract.path.replaceAll(/\{(\w+)\}/g, ':$1'), handler, config: { operationId: contract.operationId } };
  if (!isBinary(contract.body)) return void server.route(route);
  // A scope of its own, whose bodies nobody reads but the route.
  server.register(async (scope) => {
    acceptFiles(scope);
    scope.route(route);
  });
}

/** A caller's own request id is kept when it cannot do harm in a log or a header. */
function acceptedRequestId(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' && /^[\w.:-]{1,128}$/.test(header) ? header : undefined;
}

/** Opens the server. A taken port is said in words, with the setting that chooses another; the caller may try one. */
export async function listen(server: FastifyInstance, options: { port: number; host: string }, settings = { port: '--port', host: '--host' }): Promise<string> {
  try {
    return await server.listen(options);
  } catch (thrown) {
    const reason = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
    if (reason === 'EADDRINUSE') {
      throw new AppError(
        'unavailable',
        'HTTP_PORT_TAKEN',
        `Port ${options.port} on ${options.host} is taken by another program. Stop it, or choose another with ${settings.port} (0 takes any free one).`,
        { ...options },
        { cause: thrown },
      );
    }
    if (reason === 'EACCES' || reason === 'EADDRNOTAVAIL' || reason === 'ENOTFOUND') {
      throw new AppError(
        'unavailable',
        'HTTP_ADDRESS_UNUSABLE',
        `The address ${options.host}:${options.port} cannot be opened (${reason}). Choose another with ${settings.host} and ${settings.port}.`,
        { ...options },
        { cause: thrown },
      );
    }
    throw thrown;
  }
}
