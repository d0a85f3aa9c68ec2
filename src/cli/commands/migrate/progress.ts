import type { MigrateEvent } from '../../../migrate/index.ts';
import { type CliIo, note, print } from '../../io.ts';
import { duration, progressBar } from '../../migrate-view.ts';

/** A line per step on a terminal or in a log. */
export function showProgress(io: CliIo): (event: MigrateEvent) => void {
  let waitingFor = '';
  return (event) => {
    if (event.type === 'waiting-for-lock' && event.holder !== waitingFor) {
      waitingFor = event.holder;
      note(io, `Waiting for another migration: ${event.holder}`);
    }
    if (event.type === 'step-started' && io.interactive) io.stderr.write(`\r\u001b[K${progressBar(event.number - 1, event.of)} ${event.step.title}`);
    if (event.type === 'step-retried' && io.interactive) io.stderr.write(`\r\u001b[K${event.step.title}: waiting for its lock, attempt ${event.attempt + 1}`);
    if (event.type === 'step-finished') {
      const { attempts, workMilliseconds } = event.result;
      note(
        io,
        `${io.interactive ? '\r\u001b[K' : ''}${progressBar(event.number, event.of)} ${event.step.title}, ${duration(workMilliseconds)}${attempts > 1 ? `, lock obtained at attempt ${attempts}` : ''}`,
      );
    }
  };
}

/** How long steps took with their waits, as a sentence's end. */
export function printStepsDone(io: CliIo, steps: readonly { result: { workMilliseconds: number; lockWaitMilliseconds: number } }[], verb: string): void {
  const total = steps.reduce((sum, { result }) => sum + result.workMilliseconds + result.lockWaitMilliseconds, 0);
  print(io, `${steps.length} ${steps.length === 1 ? 'step' : 'steps'} ${verb} in ${duration(total)}.`);
}

export function terminalWidth(io: CliIo): number {
  return (io.stdout as NodeJS.WriteStream).columns ?? 150;
}
