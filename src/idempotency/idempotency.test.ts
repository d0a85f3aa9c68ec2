import { expect, test } from 'vitest';
import { fingerprintOf, readIdempotencyKey } from './idempotency.ts';

test('a key in quotes and the same without them are one key', () => {
  expect(readIdempotencyKey(' "8e03978e" ')).toBe(readIdempotencyKey('8e03978e'));
});

test('a fingerprint differs by method, path, query and any value, not by the order of names', () => {
  const request = { method: 'POST', url: '/a?b=1', body: { x: [{ p: 1, q: 2 }], y: null } };
  const same = fingerprintOf({ ...request, body: { y: null, x: [{ q: 2, p: 1 }] } });
  expect(same).toBe(fingerprintOf(request));
  const others = [
    { ...request, method: 'PATCH' },
    { ...request, url: '/a?b=2' },
    { ...request, body: { x: [{ p: 1, q: 3 }], y: null } },
    { ...request, body: { x: [{ p: 1, q: 2 }] } },
    { ...request, body: undefined },
  ];
  expect(new Set([same, ...others.map(fingerprintOf)]).size).toBe(6);
});
