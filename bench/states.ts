import { parseArgs } from 'node:util';
import { randomState } from '../test/support/random-states.ts';
import { startTestServer } from '../test/support/server.ts';
import { judge, smallest } from '../test/support/state-property.ts';
import { openStateServer } from '../test/support/state-server.ts';
import { machineLoad } from './support/machine.ts';

export const describe =
  'random half-applied states: is each repaired or refused with nothing changed? (--count 1000 --seed 1 --from 1 --at-once 3, --bin folder of an installed server)';

/** Prints each state that breaks the promise, as small as it can be made, and how to see it again. */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      count: { type: 'string', default: '1000' },
      seed: { type: 'string', default: '1' },
      from: { type: 'string', default: '1' },
      'at-once': { type: 'string', default: '3' },
      bin: { type: 'string' },
    },
  });
  const [count, seed, from] = [Number(values.count), Number(values.seed), Number(values.from)];
  const server = await startTestServer({ binFolder: values.bin });
  const begun = performance.now();
  const endings = new Map<string, number>();
  let failed = 0;
  try {
    await using states = await openStateServer(server.url);
    let next = from;
    const worker = async () => {
      while (next < from + count) {
        const number = next;
        next += 1;
        const state = randomState(seed, number);
        const { ended, code, violations } = await judge(states, state);
        const ending = code === undefined ? ended : `${ended}: ${code}`;
        endings.set(ending, (endings.get(ending) ?? 0) + 1);
        if (violations.length > 0) {
          failed += 1;
          const { story, violations: why } = await smallest(states, state);
          console.log(`\nstate ${number} breaks the promise; again with: npm run bench -- states --seed ${seed} --from ${number} --count 1`);
          for (const line of story) console.log(`  ${line}`);
          for (const line of why) console.log(`  BROKEN: ${line}`);
        }
        if ((number - from + 1) % 250 === 0) console.log(`${number - from + 1} states, ${failed} failed, ${Math.round((performance.now() - begun) / 1000)} s`);
      }
    };
    await Promise.all(Array.from({ length: Number(values['at-once']) }, worker));
  } finally {
    await server.stop();
  }
  const seconds = (performance.now() - begun) / 1000;
  console.log(`\n${count} states of seed ${seed} on ${server.label}: ${failed} break the promise. ${Math.round(seconds)} s, load ${machineLoad()}.`);
  for (const [ending, number] of [...endings].toSorted((a, b) => b[1] - a[1])) console.log(`  ${String(number).padStart(6)}  ${ending}`);
  if (failed > 0) process.exitCode = 1;
}
