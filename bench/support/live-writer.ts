import { fork } from 'node:child_process';
import type { WriterOptions, WriterReport } from '../../sample-ehr/index.ts';
import type { RegistrarsOptions, RegistrarsReport } from './registrars-process.ts';
import type { LongTransactionOptions, LongTransactionReport } from './long-transactions-process.ts';
import type { RowWriterOptions, RowWriterReport } from './row-writer-process.ts';

export interface Writer<Report> {
  stop(): Promise<Report>;
}

/** Starts the background writer of the sample EHR in a process of its own: a busy event loop here must not look like a stall there. */
export async function startLiveWriter(options: WriterOptions): Promise<Writer<WriterReport>> {
  return startProcess<WriterReport>('./live-writer-process.ts', options);
}

/** Starts writers whose transactions stay open for tens of milliseconds, in a process of their own. */
export async function startLongTransactions(options: LongTransactionOptions): Promise<Writer<LongTransactionReport>> {
  return startProcess<LongTransactionReport>('./long-transactions-process.ts', options);
}

/** Starts writers that update single rows of a table that is there already, in a process of their own. */
export async function startRowWriter(options: RowWriterOptions): Promise<Writer<RowWriterReport>> {
  return startProcess<RowWriterReport>('./row-writer-process.ts', options);
}

/** Starts registrars that work as fast as they are let, in a process of their own. */
export async function startRegistrars(options: RegistrarsOptions): Promise<Writer<RegistrarsReport>> {
  return startProcess<RegistrarsReport>('./registrars-process.ts', options);
}

/** The other end answers {start} with {ready} and {stop} with {report}. */
async function startProcess<Report>(module: string, options: object): Promise<Writer<Report>> {
  const child = fork(new URL(module, import.meta.url), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const ready = Promise.withResolvers<void>();
  const done = Promise.withResolvers<Report>();
  // Whoever stops the writer awaits it; a failure before that must not be an unhandled rejection.
  done.promise.catch(() => undefined);
  child.on('message', (message: { ready?: true; report?: Report }) => {
    if (message.ready) ready.resolve();
    if (message.report) done.resolve(message.report);
  });
  child.on('exit', (code) => {
    const error = new Error(`The writer process ended with ${code} before it reported.`);
    ready.reject(error);
    done.reject(error);
  });
  child.send({ start: options });
  await ready.promise;
  return {
    stop: async () => {
      child.send({ stop: true });
      return done.promise;
    },
  };
}
