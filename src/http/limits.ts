import { isIPv6 } from 'node:net';
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '../base/errors.ts';

/** Counts in a window of a minute, in the memory of this process. */
export interface Limit {
  /** Counts one. Errors: `RATE_LIMITED`. */
  count(request: FastifyRequest, key: string): Promise<void>;
  /**
   * Does the work where fewer than the limit have failed, and counts it when it is refused too. What is under way counts as failed until it is
   * known, so that many attempts at once do not slip through together.
   *
   * Errors: `RATE_LIMITED`.
   */
  countRefusals<T>(request: FastifyRequest, key: string, work: () => Promise<T>): Promise<T>;
}

const minute = 60_000;
/** A hundred bytes each; the one that was not seen for longest leaves. */
const mostKeys = 20_000;

const registered = new WeakSet<FastifyInstance>();

/** A limit of a server; 0 a minute switches it off. */
export function createLimit(server: FastifyInstance, { name, perMinute }: { name: string; perMinute: number }): Limit {
  if (perMinute === 0) return { count: async () => undefined, countRefusals: (_request, _key, work) => work() };
  if (!registered.has(server)) {
    registered.add(server);
    server.register(rateLimit, { global: false, cache: mostKeys, timeWindow: minute });
  }
  const keys = new WeakMap<FastifyRequest, string>();
  const underWay = new Map<string, number>();
  let check: ReturnType<FastifyInstance['createRateLimit']> | undefined;
  server.after(() => {
    check = server.createRateLimit({ max: perMinute, timeWindow: minute, keyGenerator: (request) => `${name} ${keys.get(request) ?? ''}` });
  });

  async function look(
    request: FastifyRequest,
    key: string,
    options: { increment: boolean },
  ): Promise<{ remaining: number; isExceeded: boolean; ttlInSeconds: number }> {
    keys.set(request, key);
    const found = await check?.(request, options);
    return !found || found.isAllowed ? { remaining: perMinute, isExceeded: false, ttlInSeconds: 0 } : found;
  }

  function refuse(seconds: number): never {
    const wait = Math.max(1, seconds);
    throw new AppError('limited', 'RATE_LIMITED', `Too many requests: ${perMinute} a minute are taken. Wait ${wait} seconds.`, {
      retryAfterSeconds: wait,
      limitPerMinute: perMinute,
    });
  }

  return {
    async count(request, key) {
      const { isExceeded, ttlInSeconds } = await look(request, key, { increment: true });
      if (isExceeded) refuse(ttlInSeconds);
    },
    async countRefusals(request, key, work) {
      const { remaining, ttlInSeconds } = await look(request, key, { increment: false });
      const busy = underWay.get(key) ?? 0;
      if (busy >= remaining) refuse(ttlInSeconds);
      underWay.set(key, busy + 1);
      try {
        return await work();
      } catch (error) {
        if (isRefusal(error)) await look(request, key, { increment: true });
        throw error;
      } finally {
        const left = (underWay.get(key) ?? 1) - 1;
        if (left === 0) underWay.delete(key);
        else underWay.set(key, left);
      }
    },
  };
}

/** Whether somebody was turned away, as opposed to a database that does not answer. */
export function isRefusal(error: unknown): boolean {
  return error instanceof AppError && (error.kind === 'unauthenticated' || error.kind === 'forbidden');
}

/** What counts as one address: an IPv4 address, or the /64 that an IPv6 customer has all of (RFC 6177). */
export function addressKey(ip: string): string {
  if (!isIPv6(ip)) return `address ${ip}`;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1];
  if (mapped !== undefined) return `address ${mapped}`;
  const [head = '', tail] = ip.toLowerCase().split('%', 1)[0]?.split('::') ?? [];
  const first = head === '' ? [] : head.split(':');
  const last = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - first.length - last.length }, () => '0');
  const network = [...first, ...zeros, ...last].slice(0, 4).map((part) => Number.parseInt(part, 16).toString(16));
  return `address ${network.join(':')}::/64`;
}
