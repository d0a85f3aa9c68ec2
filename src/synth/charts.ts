import { defaultSeed, defaultToday, syntheticPeople, type SyntheticPeopleOptions } from './people.ts';
import { randomOf } from './random.ts';
import { type Scenario, secondChart } from './second-chart.ts';
import type { SyntheticPerson } from './synthetic-person.ts';

export interface SyntheticChart {
  readonly chart: SyntheticPerson;
  /** `reference` of the first chart of the same person, and why there is a second one. */
  readonly duplicate?: { readonly of: string; readonly scenario: Scenario };
}

export interface SyntheticChartsOptions extends SyntheticPeopleOptions {
  /** How many people of a thousand have a second chart; 0 when left out. */
  readonly duplicatesPerMille?: number;
}

/** A second chart comes at most so many charts after the first one. */
const farthest = 5000;

/**
 * The people of `syntheticPeople` with second charts of some of them, each some way behind the first. What is the truth is said
 * beside the charts and stands in none of them. Whether person i has a second chart does not depend on how many follow.
 *
 * @example
 * for (const { chart, duplicate } of syntheticCharts({ people: 100, seed: 1, duplicatesPerMille: 80 })) {
 *   if (duplicate) console.log(chart.reference, 'is', duplicate.of, duplicate.scenario);
 * }
 */
export function* syntheticCharts(options: SyntheticChartsOptions): Generator<SyntheticChart, void, undefined> {
  const { seed = defaultSeed, today = defaultToday, duplicatesPerMille = 0 } = options;
  const waiting = new Map<number, SyntheticChart[]>();
  let number = 0;
  for (const person of syntheticPeople(options)) {
    number += 1;
    yield { chart: person };
    if (duplicatesPerMille > 0) {
      const random = randomOf(seed, number, 13);
      if (random.perMille(duplicatesPerMille)) {
        const { chart, scenario } = secondChart(person, { seed, number, today });
        const due = number + random.between(1, farthest);
        waiting.set(due, [...(waiting.get(due) ?? []), { chart, duplicate: { of: person.reference, scenario } }]);
      }
      yield* waiting.get(number) ?? [];
      waiting.delete(number);
    }
  }
  for (const due of [...waiting.keys()].sort((one, other) => one - other)) yield* waiting.get(due) ?? [];
}
