import { openRegistry } from '../../src/index.ts';
import { syntheticPeople } from '../../src/synth/index.ts';
import { registrationOf } from './registration.ts';

/** What the registrars are told. */
export interface RegistrarsOptions {
  readonly databaseUrl: string;
  readonly clients: number;
  readonly seed: number;
}

export interface RegistrarsReport {
  readonly registered: number;
  readonly perSecond: number;
}

// A process of its own: registrars that work as fast as they are let, with number, audit row, event and search entry.
let stopping = false;
process.on('message', (message: { start?: RegistrarsOptions; stop?: true }) => {
  if (message.start) void work(message.start);
  if (message.stop) stopping = true;
});

async function work({ databaseUrl, clients, seed }: RegistrarsOptions): Promise<void> {
  const people = [...syntheticPeople({ people: 20_000, seed })].map(registrationOf);
  const registry = await openRegistry({ databaseUrl, maxConnections: clients, timeZone: 'Africa/Nairobi' });
  process.send?.({ ready: true });
  let registered = 0;
  const started = performance.now();
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (!stopping) {
        const person = people[registered % people.length];
        registered += 1;
        if (person) await registry.patientRepository.create(person);
      }
    }),
  );
  const perSecond = (registered * 1000) / (performance.now() - started);
  await registry[Symbol.asyncDispose]();
  const report: RegistrarsReport = { registered, perSecond };
  process.send?.({ report }, () => process.exit(0));
}
