import { createConfig, lintFromString } from '@redocly/openapi-core';
import { beforeAll, expect, test } from 'vitest';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isBinary, type RouteContract } from '../../src/api/contract.ts';
import { bodyExamples } from '../../src/api/examples.ts';
import { openApiDocument } from '../../src/api/openapi.ts';
import { routes } from '../../src/api/routes.ts';
import { createServer } from '../../src/http/server.ts';

let findings: string[];
beforeAll(async () => {
  const config = await createConfig({ extends: ['recommended-strict'] });
  const problems = await lintFromString({ source: JSON.stringify(openApiDocument(routes, '1.0.0')), absoluteRef: '/openapi.json', config });
  findings = problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} (${location.map(({ pointer }) => pointer).join()})`);
});

test('the linter finds nothing in the OpenAPI document', () => {
  expect(findings).toEqual([]);
});

test('the linter would find a mistake', async () => {
  const config = await createConfig({ extends: ['recommended-strict'] });
  const problems = await lintFromString({ source: JSON.stringify({ ...openApiDocument(routes, '1.0.0'), info: {} }), absoluteRef: '/openapi.json', config });
  expect(problems.map(({ ruleId }) => ruleId)).toContain('struct');
});

test('a server serves the committed document', async () => {
  const server = createServer({ assertReady: async () => undefined });
  const { body } = await server.inject('/openapi.json');
  await server.close();
  expect(JSON.parse(body)).toEqual(JSON.parse(readFileSync(join(import.meta.dirname, '../../docs/openapi.json'), 'utf8')));
});

test('every operation that takes JSON shows an example that its schema takes', () => {
  const shown = bodyExamples as Readonly<Record<string, unknown>>;
  const taking = (routes as readonly RouteContract[]).flatMap(({ operationId, body }) => (body && !isBinary(body) ? [{ operationId, body }] : []));
  expect(taking.map(({ operationId }) => operationId).toSorted()).toEqual(Object.keys(shown).toSorted());
  for (const { operationId, body } of taking) expect(body.safeParse(shown[operationId]).error, operationId).toBeUndefined();
});

test('patterns are such as the regular expressions of every language know', () => {
  const patterns = [...JSON.stringify(openApiDocument(routes, '1.0.0')).matchAll(/"pattern":("(?:[^"\\]|\\.)*")/g)].map(
    ([, text]) => JSON.parse(text ?? '""') as string,
  );
  expect(patterns.length).toBeGreaterThan(100);
  expect(patterns.filter((pattern) => /\\[pP]\{|\\0|\(\?<|\\k/.test(pattern))).toEqual([]);
});
