import { createConfig, lintFromString } from '@redocly/openapi-core';
import { beforeAll, expect, test } from 'vitest';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
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
