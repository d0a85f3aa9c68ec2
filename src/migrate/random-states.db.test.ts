import { expect, test } from 'vitest';
import { testServer } from '../../test/support/database.ts';
import { randomState } from '../../test/support/random-states.ts';
import { judge, smallest } from '../../test/support/state-property.ts';
import { openStateServer } from '../../test/support/state-server.ts';

/** Another seed or number of states for a night; thousands run with `npm run bench -- states`. */
const seed = Number(process.env.ONECHART_STATES_SEED ?? 20_261_123);
const { url } = await testServer();
const count = Number(process.env.ONECHART_STATES_COUNT ?? (process.env.ONECHART_WALK === 'all' ? 100 : 24));

test(`${count} random half-applied states of seed ${seed}: repaired to the verified end, or refused with nothing changed`, { timeout: 600_000 }, async () => {
  await using server = await openStateServer(url);
  const endings = new Set<string>();
  const broken: unknown[] = [];
  let next = 1;
  const worker = async () => {
    for (let number = next++; number <= count && broken.length === 0; number = next++) {
      const state = randomState(seed, number);
      const judged = await judge(server, state);
      endings.add(judged.ended);
      if (judged.violations.length === 0) continue;
      const { story, violations } = await smallest(server, state);
      broken.push({ story, violations, again: `npm run bench -- states --seed ${seed} --from ${number} --count 1` });
    }
  };
  await Promise.all([worker(), worker(), worker()]);
  expect(broken).toEqual([]);
  // Each way to end has occurred: a generator that made nothing but one kind would prove little.
  expect([...endings].toSorted()).toEqual(['nothing to do', 'refused', 'repaired']);
});
