import { z } from 'zod';
import { expect, test } from 'vitest';
import { isBinary, type RouteContract } from './contract.ts';
import { routes } from './routes.ts';

const contracts: readonly RouteContract[] = routes;
const names = (those: readonly RouteContract[]) => those.map(({ operationId }) => operationId);
const fieldsOf = (schema: z.ZodObject | undefined) => Object.keys(schema?.shape ?? {});

test('no two routes share a name or a method on a path, and each names the parameters of its path', () => {
  expect(new Set(names(contracts)).size).toBe(contracts.length);
  expect(new Set(contracts.map(({ method, path }) => `${method} ${path.replaceAll(/\{\w+\}/g, '{}')}`)).size).toBe(contracts.length);
  for (const { operationId, path, params } of contracts) {
    expect(fieldsOf(params).toSorted(), operationId).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name).toSorted());
  }
});

test('what identifies a person stands in no address, where every proxy would log it', () => {
  const telling = /name|birth|mrn|email|phone|address|street|city|zip|number|value|reason|note/i;
  expect(
    contracts.flatMap(({ operationId, query }) =>
      fieldsOf(query)
        .filter((field) => telling.test(field))
        .map((field) => `${operationId} ${field}`),
    ),
  ).toEqual([]);
});

test('every change of a chart or a part of it names the version that was read', () => {
  const changes = contracts.filter(({ method, path }) => method === 'PATCH' && path.startsWith('/api/v1/patients/'));
  expect(changes.length).toBeGreaterThan(3);
  expect(names(changes.filter(({ ifMatch }) => ifMatch !== 'required'))).toEqual([]);
});

test('what makes a row of a chart may be repeated; the answer that is kept is of a known caller and holds no secret', () => {
  const makes = contracts.filter(
    ({ method, path, body, responses }) => method === 'POST' && path.startsWith('/api/v1/patients') && 201 in responses && !(body && isBinary(body)),
  );
  expect(makes.length).toBeGreaterThan(5);
  expect(names(makes.filter(({ idempotent }) => !idempotent))).toEqual([]);
  for (const { operationId, method, access, responses } of contracts.filter(({ idempotent }) => idempotent)) {
    expect([method, access === 'public'], operationId).toEqual(['POST', false]);
    for (const { schema } of Object.values(responses)) {
      if (schema instanceof z.ZodObject)
        expect(
          fieldsOf(schema).filter((field) => /^(key|secret|token|password|csrf)$/i.test(field)),
          operationId,
        ).toEqual([]);
    }
  }
});
