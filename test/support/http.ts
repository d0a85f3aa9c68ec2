import type { FastifyInstance } from 'fastify';
import { roles, type Role } from '../../src/access/access.schema.ts';
import type { Principal } from '../../src/access/principal.ts';
import { parseDatabaseUrl } from '../../src/base/config.ts';
import { openServerRegistry, type ServerRegistryOptions } from '../../src/http/registry.ts';
import { createServer, type ServerOptions } from '../../src/http/server.ts';
import type { TestDatabase } from './database.ts';

/** A caller of each role, known by the header `x-test-role`, so that tests of routes need no accounts. */
export function testPrincipal(role: Role): Principal {
  return {
    kind: 'account',
    id: `0190b6b2-6d0f-7c3a-9c6e-0000000000${String(Object.keys(roles).indexOf(role) + 10)}`,
    name: `test-${role.toLowerCase()}`,
    role,
  };
}

/** The whole server on a migrated database, without a socket: `server.inject({ url, headers: { 'x-test-role': 'NURSE' } })`. Nobody is known without the header. */
export function openTestHttp(
  database: Pick<TestDatabase, 'url'>,
  options: Partial<ServerOptions> = {},
  more: ServerRegistryOptions = {},
): FastifyInstance & AsyncDisposable {
  const registry = openServerRegistry(parseDatabaseUrl(database.url), { maxConnections: 5, ...more });
  const server = createServer({
    assertReady: async () => undefined,
    registry,
    authenticate: async (request) => {
      const role = request.headers['x-test-role'];
      return typeof role === 'string' ? testPrincipal(role as Role) : undefined;
    },
    ...options,
  });
  server.addHook('onClose', () => registry.close());
  return Object.assign(server, { [Symbol.asyncDispose]: () => server.close() });
}
