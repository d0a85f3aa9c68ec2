import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { startBackgroundWriter, type WriterOptions, type WriterReport } from '../../sample-ehr/index.ts';

// The writer times what the database makes it wait. In a thread of its own, as the migration's own work (parsing above all)
// would otherwise hold up its clock: measured on two busy cores, a longest wait of 231 ms in one thread.

export interface WriterThread {
  stop(): Promise<WriterReport>;
}

type Message = { readonly ready: true } | { readonly report: WriterReport };

/** Starts the background writer in a thread. Resolves when each of its connections has written once. */
export async function startWriterThread(options: Omit<WriterOptions, 'onError'>): Promise<WriterThread> {
  const worker = new Worker(new URL(import.meta.url), { workerData: { writer: options } });
  const failed = new Promise<never>((_resolve, reject) => worker.once('error', reject));
  failed.catch(() => undefined);
  const next = (): Promise<Message> => Promise.race([failed, new Promise<Message>((resolve) => worker.once('message', resolve))]);
  await next();
  return {
    async stop() {
      worker.postMessage('stop');
      const message = await next();
      await worker.terminate();
      if (!('report' in message)) throw new TypeError('The writer ended without its report.');
      return message.report;
    },
  };
}

async function work(options: WriterOptions): Promise<void> {
  const port = parentPort;
  if (!port) return;
  const writer = await startBackgroundWriter(options);
  port.once('message', () => {
    void writer.stop().then((report) => port.postMessage({ report } satisfies Message));
  });
  port.postMessage({ ready: true } satisfies Message);
}

if (!isMainThread && typeof workerData === 'object' && workerData !== null && 'writer' in workerData) await work(workerData.writer as WriterOptions);
