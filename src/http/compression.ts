import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { FastifyInstance } from 'fastify';

/** A chart is 1 to 2 KB and fits two packets as it is; a page of fifty is 70 KB. docs/adr/0047 has the figures. */
const leastBytes = 8 * 1024;

const codings = {
  br: (text: string | Buffer) => promisify(brotliCompress)(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }),
  gzip: (text: string | Buffer) => promisify(gzip)(text, { level: 4 }),
} as const;

/** Compresses long answers of text for those who say that they can read it. Streams go out as they are. */
export function addCompression(server: FastifyInstance): void {
  server.addHook('onSend', async (request, reply, payload) => {
    if (!(typeof payload === 'string' || Buffer.isBuffer(payload)) || Buffer.byteLength(payload) < leastBytes || request.method === 'HEAD') return payload;
    if (reply.hasHeader('content-encoding') || !/json|^text\//.test(String(reply.getHeader('content-type')))) return payload;
    reply.header('vary', [reply.getHeader('vary'), 'accept-encoding'].filter(Boolean).join(', '));
    const coding = chooseCoding(request.headers['accept-encoding']);
    if (!coding) return payload;
    const compressed = await codings[coding](payload);
    reply.header('content-encoding', coding).removeHeader('content-length');
    // The bytes differ by coding, so the tag may no longer claim to be exact (RFC 9110 §8.8.1).
    const etag = reply.getHeader('etag');
    if (typeof etag === 'string' && !etag.startsWith('W/')) reply.header('etag', `W/${etag}`);
    return compressed;
  });
}

/** Brotli, else gzip, else nothing (RFC 9110 §12.5.3). A coding that is weighed 0 is refused; other weights of two that we both have do not matter. */
export function chooseCoding(accepted: string | string[] | undefined): keyof typeof codings | undefined {
  const weights = new Map<string, number>();
  for (const each of String(accepted ?? '')
    .toLowerCase()
    .split(',')) {
    const [name = '', ...parameters] = each.split(';').map((part) => part.trim());
    const weight = parameters.find((parameter) => parameter.startsWith('q='));
    weights.set(name, weight === undefined ? 1 : Number(weight.slice(2)));
  }
  return (['br', 'gzip'] as const).find((coding) => (weights.get(coding) ?? weights.get('*') ?? 0) > 0);
}
