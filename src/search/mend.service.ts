import { toAppError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { Ctx } from '../db/context.ts';
import { translateDatabaseError } from '../db/sqlstate.ts';
import { rebuildSearch } from './entry.service.ts';

export interface Mending {
  /** Breaks it off between two batches, and waits for the one that is being written. */
  stop(): Promise<void>;
}

/**
 * Makes what charts are found by where it is missing, once and in the background: a server that starts after the migration that
 * brought search, after rows came past OneChart or after an update with other rules mends it by itself. Every second moment is
 * left to live users. Several servers may do it at once.
 */
export function startMending(base: Pick<Ctx, 'db' | 'pool' | 'clock' | 'newId'>, log: Pick<Logger, 'info' | 'warn'>): Mending {
  const broken = new AbortController();
  const ctx: Ctx = { ...base, actor: { kind: 'system', name: 'onechart serve' } };
  const running = rebuildSearch(ctx, { rest: 1, signal: broken.signal })
    .then(({ written, left }) => {
      if (written + left > 0) log.info({ written, left }, 'charts that search did not find are found now');
    })
    .catch((thrown: unknown) => {
      if (broken.signal.aborted) return;
      const { code, message } = toAppError(translateDatabaseError(thrown));
      log.warn({ code }, `Charts that search does not find were not looked for: ${message} Run onechart search check.`);
    });
  return {
    stop: () => {
      broken.abort();
      return running;
    },
  };
}
