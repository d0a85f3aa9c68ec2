import type { FastifyRequest } from 'fastify';
import type { Principal } from '../access/principal.ts';
import { isBinary, type RouteContract } from '../api/contract.ts';
import type { Ctx } from '../db/context.ts';
import { answerOnce, type KeptAnswer, type KeyedRequest, sweepIdempotencyKeys } from '../idempotency/idempotency.service.ts';
import { fingerprintOf, readIdempotencyKey } from '../idempotency/idempotency.ts';
import { repeatView } from '../patient/chart.service.ts';
import type { Answer } from './bind.ts';

export interface Idempotency {
  /** Answers a request that carries a key from what was kept, or does it and keeps its answer. A request without a key is done. */
  answer(
    call: { contract: RouteContract; request: FastifyRequest; principal: Principal | undefined; ctx: Ctx },
    work: (ctx: Ctx) => Promise<Answer>,
  ): Promise<Answer>;
  /** Resolves when nothing is being swept. */
  close(): Promise<void>;
}

/** What one server remembers of keys: which are under way here, and when it swept last. */
export function createIdempotency({ sweepEveryMilliseconds = 60_000 } = {}): Idempotency {
  const underWay = new Map<string, Promise<unknown>>();
  let sweptAt = performance.now();
  let sweeping: Promise<unknown> = Promise.resolve();

  /** Repeats that come to this process while the first is under way wait here, in memory: waiting in the database would hold a connection each. */
  async function inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    for (let before = underWay.get(key); before; before = underWay.get(key)) await before.catch(() => undefined);
    const mine = work();
    underWay.set(key, mine);
    try {
      return await mine;
    } finally {
      underWay.delete(key);
    }
  }

  /** Keys are swept by those who use them, at most once a minute: as often as there is something to sweep, and without a scheduler. */
  function sweepNowAndThen(ctx: Ctx): void {
    if (performance.now() - sweptAt < sweepEveryMilliseconds) return;
    sweptAt = performance.now();
    // A sweep that fails is made up for by the next one; the request it came with has its answer.
    sweeping = sweepIdempotencyKeys(ctx).catch(() => undefined);
  }

  return {
    async answer({ contract, request, principal, ctx }, work) {
      // A file is not held in a transaction while it comes in; what it makes tells repeats apart by its hash.
      const header = contract.idempotent && !isBinary(contract.body) ? request.headers['idempotency-key'] : undefined;
      if (header === undefined || principal === undefined) return work(ctx);
      const keyed: KeyedRequest = {
        principal: `${principal.kind}:${principal.id}`,
        key: readIdempotencyKey(String(header)),
        fingerprint: fingerprintOf({ method: request.method, url: request.url, body: request.body }),
      };
      const { answer, replayed } = await inTurn(`${keyed.principal} ${keyed.key}`, () => answerOnce(ctx, keyed, async (inside) => toKept(await work(inside))));
      sweepNowAndThen(ctx);
      const shown = replayed ? shownPatient(contract, { request, answer }) : undefined;
      if (shown !== undefined) await repeatView(ctx, shown);
      return fromKept(answer, replayed);
    },
    close: async () => void (await sweeping),
  };
}

/** The chart that a kept answer shows something of; undefined where it shows none, a mask, or a grant. */
function shownPatient({ path, tag }: RouteContract, { request, answer }: { request: FastifyRequest; answer: KeptAnswer }): string | undefined {
  if (!path.startsWith('/api/v1/patients') || tag === 'break the glass' || answer.body === null) return undefined;
  const body = JSON.parse(answer.body) as { id?: string; masked?: boolean };
  if (body.masked) return undefined;
  return path.startsWith('/api/v1/patients/{id}') ? (request.params as { id: string }).id : body.id;
}

function toKept(answer: Answer): KeptAnswer {
  return { status: answer.status, headers: answer.headers ?? {}, body: answer.body === undefined ? null : JSON.stringify(answer.body) };
}

/** Both the first answer and a repeat are sent from the same text. */
function fromKept(kept: KeptAnswer, replayed: boolean): Answer {
  return {
    status: kept.status,
    ...(kept.body === null ? {} : { body: kept.body }),
    headers: {
      ...(kept.body === null ? {} : { 'content-type': 'application/json; charset=utf-8' }),
      ...kept.headers,
      ...(replayed ? { 'idempotent-replayed': 'true' } : {}),
    },
  };
}
