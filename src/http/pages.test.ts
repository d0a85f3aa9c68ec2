import { createHash } from 'node:crypto';
import { brotliDecompressSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { createServer } from './server.ts';

const server = createServer({ assertReady: async () => undefined });
afterAll(() => server.close());

test('the policy of a page allows its own style and script, by their hashes, and nothing else', async () => {
  for (const url of ['/', '/docs']) {
    const { body, headers } = await server.inject(url);
    const policy = String(headers['content-security-policy']);
    const inPage = [...body.matchAll(/<(?:style|script)>(.*?)<\/(?:style|script)>/gs)].map(([, text]) =>
      createHash('sha256')
        .update(text ?? '')
        .digest('base64'),
    );
    expect(inPage.length, url).toBe(url === '/' ? 1 : 2);
    for (const hash of inPage) expect(policy, url).toContain(`'sha256-${hash}'`);
    expect(policy, url).toContain("default-src 'none'");
    expect(policy, url).not.toMatch(/unsafe|https?:|\*/);
  }
});

test.each(['/docs', '/openapi.json'])('%s is sent compressed to those who can read it, and not at all to those who have it', async (url) => {
  const plain = await server.inject(url);
  const compressed = await server.inject({ url, headers: { 'accept-encoding': 'gzip, br' } });
  expect(compressed.headers['content-encoding']).toBe('br');
  expect(brotliDecompressSync(compressed.rawPayload).toString()).toBe(plain.body);
  expect(compressed.rawPayload.length).toBeLessThan(plain.body.length / 8);
  const again = await server.inject({ url, headers: { 'if-none-match': String(plain.headers.etag) } });
  expect([again.statusCode, again.body]).toEqual([304, '']);
  expect((await server.inject({ url, headers: { 'if-none-match': '"another"' } })).statusCode).toBe(200);
});
