import { readFileSync } from 'node:fs';
import { readSealingKey } from '../audit/seal.ts';
import type { DatabaseAddress } from '../base/config.ts';
import { AppError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { openDocumentSettings } from '../document/content-stores.service.ts';
import { nightlyDuties } from '../events/nightly.service.ts';
import { type EventWorker, startEventWorker } from '../events/worker.service.ts';
import type { Settings } from '../settings/settings.schema.ts';

/** The worker as the configuration of the server wants it: `onechart events run`, and `serve` with events.worker. */
export async function startConfiguredWorker({ address, settings, log }: { address: DatabaseAddress; settings: Settings; log: Logger }): Promise<EventWorker> {
  const { retainMonths, retainFolder } = settings.audit;
  const documents = openDocumentSettings(settings.documents);
  const duties = nightlyDuties({
    settings: settings.events,
    documents,
    mendsSearch: settings.search.mend,
    retention: retainMonths === undefined || retainFolder === undefined ? undefined : { months: retainMonths, folder: retainFolder, key: sealingKey(settings) },
  });
  const worker = await startEventWorker({ address, settings: settings.events, log, duties });
  return {
    stop: async () => {
      await worker.stop();
      await documents.close();
    },
  };
}

/** How long to wait before a worker that could not be started is started again. */
const startAgainMilliseconds = 5_000;

/** A worker beside a server, which serves also while the worker cannot start: it is tried again while the database is away, and the log says what else is wrong. */
export function startWorkerBeside(options: { address: DatabaseAddress; settings: Settings; log: Logger }): EventWorker {
  const { log } = options;
  const stopping = new AbortController();
  const stopped = new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve()));
  const started = (async () => {
    while (!stopping.signal.aborted) {
      try {
        return await startConfiguredWorker(options);
      } catch (thrown) {
        if (!(thrown instanceof AppError)) log.error({ err: thrown }, 'the worker of events did not start');
        else log.error({ code: thrown.code }, `Events are not delivered: ${thrown.message}`);
        if (!(thrown instanceof AppError) || thrown.kind !== 'unavailable') return undefined;
      }
      await Promise.race([stopped, new Promise((resolve) => setTimeout(resolve, startAgainMilliseconds).unref())]);
    }
    return undefined;
  })();
  return {
    stop: async () => {
      stopping.abort();
      await (await started)?.stop();
    },
  };
}

function sealingKey({ audit: { signingKeyFile } }: Settings) {
  if (signingKeyFile === undefined) return undefined;
  try {
    return readSealingKey(readFileSync(signingKeyFile, 'utf8'));
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw new AppError('unavailable', 'KEY_FILE_UNREADABLE', 'The file of audit.signingKeyFile cannot be read. Correct its path or its rights.', {}, { cause });
  }
}
