import type { FastifyInstance } from 'fastify';
import { AppError } from '../base/errors.ts';

/** The type of a JSON merge patch (RFC 7396 §4); plain JSON is taken for one too. */
export const mergePatch = 'application/merge-patch+json';

/** JSON bodies. An empty one is no body: clients set the content-type whether they send something or not. */
export function acceptJsonBodies(server: FastifyInstance): void {
  const parse = server.getDefaultJsonParser('error', 'error');
  server.removeContentTypeParser(['application/json', 'text/plain']);
  server.addContentTypeParser(['application/json', mergePatch], { parseAs: 'string' }, (request, body, done) => {
    if (body.length === 0) done(null, undefined);
    else if (request.headers['content-type']?.startsWith(mergePatch) && request.method !== 'PATCH') {
      done(new AppError('media-type', 'CONTENT_TYPE_UNSUPPORTED', 'A merge patch goes with PATCH. Send application/json here.'));
    } else void parse(request, String(body), done);
  });
}
