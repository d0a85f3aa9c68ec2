import type { Assessment } from './assess.ts';
import type { HistoryState } from './history.ts';

/** How the objects of one migration stand in the database: what a report shows before and after. */
export interface ObjectCounts {
  readonly migration: string;
  readonly checksum: string;
  readonly history: HistoryState;
  readonly present: number;
  readonly missing: number;
  /** NOT VALID keys and checks, INVALID indexes. */
  readonly invalid: number;
  readonly conflict: number;
  /** Names of those that are there and not as they should be; what is only missing is counted. */
  readonly wrong: readonly string[];
}

export function objectCounts({ migrations }: Assessment): ObjectCounts[] {
  return migrations.map(({ file, history, statements }) => {
    const count = (state: string) => statements.filter(({ object }) => object.state === state).length;
    return {
      migration: file.name,
      checksum: file.checksum,
      history,
      present: count('present'),
      missing: count('missing'),
      invalid: count('invalid'),
      conflict: count('conflict'),
      wrong: statements.flatMap(({ effect, object }) => (object.state === 'invalid' || object.state === 'conflict' ? [effect.name] : [])),
    };
  });
}
