import type { FastifyInstance } from 'fastify';
import { AppError } from '../base/errors.ts';

export interface ShutdownTimes {
  /** How long requests are still taken after the signal, so that load balancers see the 503 of readiness first. */
  readonly delaySeconds: number;
  /** How long, after that, what runs may take. */
  readonly limitSeconds: number;
}

export interface Shutdown {
  readonly stopping: boolean;
  /** Requests that are being answered at this moment. */
  readonly running: number;
  /** Throws once the server is on its way out: part of readiness. */
  assertStaying(): void;
  /**
   * Ends the server without losing a request. Resolves when everything that was accepted is answered and everything behind
   * it is closed; with how many requests had to be cut off at the limit.
   */
  stop(times: ShutdownTimes): Promise<{ cut: number }>;
}

/**
 * Counts what runs, and ends a server in order: readiness says 503 while everything is still served; every answer from then on
 * closes its connection, so that clients come back elsewhere; then the socket is closed, and what was accepted is finished.
 *
 * The delay is also what protects kept-alive connections: one that is closed while it is idle may be in the middle of a
 * request that its client has sent and we have not read. A client that is busy gets its `connection: close` within the delay.
 */
export function watchShutdown(server: FastifyInstance): Shutdown {
  let stopping: Promise<{ cut: number }> | undefined;
  let running = 0;
  server.addHook('onRequest', (_request, reply, done) => {
    running += 1;
    // Once for each request, whether it was answered or its client went away.
    reply.raw.once('close', () => {
      running -= 1;
    });
    done();
  });
  server.addHook('onSend', (_request, reply, payload, done) => {
    if (stopping) reply.header('connection', 'close');
    done(null, payload);
  });

  async function stop({ delaySeconds, limitSeconds }: ShutdownTimes): Promise<{ cut: number }> {
    await wait(delaySeconds * 1000);
    let cut = 0;
    const limit = setTimeout(() => {
      cut = running;
      server.server.closeAllConnections();
    }, limitSeconds * 1000);
    try {
      await server.close();
    } finally {
      clearTimeout(limit);
    }
    return { cut };
  }

  return {
    get stopping() {
      return stopping !== undefined;
    },
    get running() {
      return running;
    },
    assertStaying() {
      if (stopping) throw new AppError('unavailable', 'SERVER_STOPPING', 'This server is being stopped and finishes what it has begun. Ask another one.');
    },
    stop(times) {
      stopping ??= stop(times);
      return stopping;
    },
  };
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}
