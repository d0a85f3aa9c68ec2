import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { Problem } from '../api/problem.schema.ts';
import type { ResponseContract } from '../api/contract.ts';
import { healthRoutes } from '../api/health.routes.ts';
import { AppError } from '../base/errors.ts';
import { createServer, listen } from './server.ts';

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

function serverThat(assertReady: () => Promise<void>) {
  const server = createServer({ assertReady });
  open.push(server);
  return server;
}

test('live answers even when nothing is ready', async () => {
  const server = serverThat(() => Promise.reject(new Error('must not be asked')));
  const reply = await server.inject('/health/live');
  expect(reply.statusCode).toBe(200);
  expect(reply.json()).toMatchObject({ status: 'live' });
});

test('ready is a problem with the code of the reason while it is not', async () => {
  const server = serverThat(() => Promise.reject(new AppError('drift', 'MIGRATIONS_PENDING', 'Two migrations are pending.', { pending: 2 })));
  const reply = await server.inject({ url: '/health/ready', headers: { 'x-request-id': 'abc-1' } });
  expect(reply.statusCode).toBe(503);
  expect(reply.headers['content-type']).toMatch(/^application\/problem\+json/);
  expect(Problem.parse(reply.json())).toMatchObject({ code: 'MIGRATIONS_PENDING', requestId: 'abc-1', details: { pending: 2 } });
});

test('an unknown exception shows nothing of itself', async () => {
  const server = serverThat(() => Promise.reject(new Error('SELECT secret FROM patients')));
  const reply = await server.inject('/health/ready');
  expect(reply.statusCode).toBe(500);
  expect(reply.body).not.toContain('secret');
  expect(Problem.parse(reply.json()).code).toBe('INTERNAL');
});

test('a request id that could forge a log line is replaced', async () => {
  const server = serverThat(() => Promise.resolve());
  const reply = await server.inject({ url: '/health/live', headers: { 'x-request-id': 'a b{}' } });
  expect(reply.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
});

test('an unknown route is a problem, and health and description are served', async () => {
  const server = serverThat(() => Promise.resolve());
  const missing = await server.inject('/nowhere');
  expect(missing.statusCode).toBe(404);
  expect(Problem.parse(missing.json()).code).toBe('ROUTE_NOT_FOUND');
  for (const route of healthRoutes) {
    const reply = await server.inject({ method: route.method, url: route.path });
    expect(reply.statusCode, route.path).toBe(200);
    const contract: ResponseContract = route.responses[200];
    expect(reply.headers['content-type'], route.path).toContain(contract.contentType);
    expect(contract.schema?.safeParse(reply.json()).error, route.path).toBeUndefined();
  }
});

test('a path that no route takes is told before what is wrong with the body', async () => {
  const server = serverThat(() => Promise.resolve());
  const broken = { headers: { 'content-type': 'application/json' }, payload: '{' };
  const answers = [
    await server.inject({ method: 'POST', url: '/nowhere', ...broken }),
    await server.inject({ method: 'POST', url: '/health/live', ...broken }),
    await server.inject({ method: 'QUERY' as 'GET', url: '/health/live' }),
  ];
  expect(answers.map((reply) => [reply.statusCode, Problem.parse(reply.json()).code, reply.headers.allow])).toEqual([
    [404, 'ROUTE_NOT_FOUND', undefined],
    [405, 'METHOD_NOT_ALLOWED', 'GET, HEAD, OPTIONS'],
    [405, 'METHOD_NOT_ALLOWED', 'GET, HEAD, OPTIONS'],
  ]);
});

test('listens on a free port, answers over a real socket, and says in words when the port is taken', async () => {
  const first = serverThat(() => Promise.resolve());
  const address = await listen(first, { port: 0, host: '127.0.0.1' });
  const reply = await fetch(`${address}/health/ready`);
  expect(reply.status).toBe(200);
  const port = Number(new URL(address).port);
  const second = serverThat(() => Promise.resolve());
  await expect(listen(second, { port, host: '127.0.0.1' })).rejects.toMatchObject({ kind: 'unavailable', code: 'HTTP_PORT_TAKEN' });
});

test('with a certificate it speaks HTTPS alone, and tells browsers so', async () => {
  const folder = join(import.meta.dirname, '../../test/support/tls');
  const [cert, key] = ['certificate.pem', 'key.pem'].map((name) => readFileSync(join(folder, name), 'utf8')) as [string, string];
  const server = createServer({ assertReady: async () => undefined, tls: { cert, key } });
  open.push(server);
  const address = await listen(server, { port: 0, host: '127.0.0.1' });
  expect(address).toMatch(/^https:/);
  const reply = await new Promise<{ status: number | undefined; hsts: string | undefined }>((resolve, reject) => {
    request(`${address}/health/live`, { ca: cert, servername: 'localhost' }, (incoming) => {
      incoming.resume();
      resolve({ status: incoming.statusCode, hsts: incoming.headers['strict-transport-security'] });
    })
      .on('error', reject)
      .end();
  });
  expect(reply).toEqual({ status: 200, hsts: expect.stringContaining('max-age=') });
  await expect(fetch(address.replace('https:', 'http:'))).rejects.toThrow();
});
