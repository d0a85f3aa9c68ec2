import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { arriving } from './files.ts';

test('a client that sends nothing for too long is given up, and its stream stays open for the answer', async () => {
  const body = new PassThrough();
  body.write('first');
  const parts = arriving(body, 20);
  expect(String((await parts.next()).value)).toBe('first');
  await expect(parts.next()).rejects.toMatchObject({ kind: 'invalid', code: 'UPLOAD_STALLED' });
  expect(body.destroyed).toBe(false);
});

test('who comes after the reader reads the rest', async () => {
  const body = new PassThrough();
  body.write('first');
  for await (const part of arriving(body, 1000)) {
    expect(String(part)).toBe('first');
    break;
  }
  const rest: string[] = [];
  body.on('data', (part: Buffer) => rest.push(String(part)));
  body.end('second');
  await once(body, 'end');
  expect(rest).toEqual(['second']);
});

test("the time that the store takes is not the client's", async () => {
  const body = new PassThrough();
  const parts = arriving(body, 20);
  body.write('first');
  await parts.next();
  await new Promise((resolve) => setTimeout(resolve, 60));
  body.end('second');
  expect(String((await parts.next()).value)).toBe('second');
  expect((await parts.next()).done).toBe(true);
});
