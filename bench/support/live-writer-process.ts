import { type BackgroundWriter, startBackgroundWriter, type WriterOptions } from '../../sample-ehr/index.ts';

// The other end of live-writer.ts: starts on {start}, reports on {stop}.

let writer: BackgroundWriter | undefined;

process.on('message', async (message: { start?: WriterOptions; stop?: true }) => {
  if (message.start) {
    writer = await startBackgroundWriter(message.start);
    process.send?.({ ready: true });
  }
  if (message.stop && writer) {
    const report = await writer.stop();
    process.send?.({ report }, undefined, undefined, () => process.exit(0));
  }
});
