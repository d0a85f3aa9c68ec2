import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliCompress, brotliDecompress, constants } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ApiDocument } from '../api/reference/document.ts';
import { renderReference, renderStart } from '../api/reference/page.ts';
import { script, style } from '../api/reference/style.ts';
import { chooseCoding } from './compression.ts';

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

/** Nothing may be loaded, and of style and script only what this package wrote may work: the hashes name it. An empty icon keeps browsers from asking for one. */
const policy = `default-src 'none'; style-src ${hashSource(style)}; script-src ${hashSource(script)}; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/**
 * What the server says of itself. Each is made when it is first asked for, because making the description takes longer than all else at the start
 * (0.1 s of CPU, measured), and kept compressed: description and reference have 0.7 MB together, of which 40 KB are kept.
 */
export function createPages(describe: () => object): { description: Handler; reference: Handler; start: Handler } {
  let described: ApiDocument | undefined;
  const document = () => (described ??= describe() as ApiDocument);
  const html = { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy };
  return {
    description: constant(() => JSON.stringify(document()), { 'content-type': 'application/json; charset=utf-8' }),
    reference: constant(() => renderReference(document()), html),
    start: constant(() => renderStart(document().info), html),
  };
}

function constant(render: () => string, headers: Readonly<Record<string, string>>): Handler {
  let kept: Promise<{ etag: string; compressed: Buffer }> | undefined;
  return async (request, reply) => {
    kept ??= keep(render());
    const { etag, compressed } = await kept;
    // Weak: the text is the same in every coding, its bytes are not.
    reply.headers({ ...headers, 'cache-control': 'no-cache', vary: 'accept-encoding', etag: `W/"${etag}"` });
    if (request.headers['if-none-match']?.includes(`"${etag}"`)) return reply.code(304).removeHeader('content-type').send();
    if (chooseCoding(request.headers['accept-encoding']) === 'br') return reply.header('content-encoding', 'br').send(compressed);
    return reply.send((await promisify(brotliDecompress)(compressed)).toString());
  };
}

async function keep(text: string): Promise<{ etag: string; compressed: Buffer }> {
  const compressed = await promisify(brotliCompress)(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } });
  return { etag: createHash('sha256').update(text).digest('base64url').slice(0, 22), compressed };
}

/** How a content security policy names a text that stands in the page (CSP 3, hash-source). */
function hashSource(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
