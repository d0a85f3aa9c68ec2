import type { DatabaseAddress } from '../../base/config.ts';
import { historyState, readHistory } from '../history.ts';
import { withConnection } from '../preflight.ts';
import { readTraffic, type TableTraffic } from '../traffic.ts';
import type { Script } from './script.ts';
import { learn, nothingKnown } from './known.ts';
import { locksOf } from './locks.ts';

/** What a database says of the tables that migrations touch. */
export interface LiveFacts {
  readonly traffic: ReadonlyMap<string, TableTraffic>;
  /** Migrations that its history calls applied. */
  readonly applied: ReadonlySet<string>;
}

/** Asks a database for size and traffic of the tables, and for its history; reads statistics only, no rows. */
export async function readLiveFacts(address: DatabaseAddress, scripts: readonly Script[]): Promise<LiveFacts> {
  const known = nothingKnown();
  const tables = new Set<string>();
  for (const [index, { statements }] of scripts.entries())
    for (const { kind, node } of statements) {
      for (const { table } of locksOf(kind, node, { known })) tables.add(table.split('.').at(-1) as string);
      learn(known, kind, node, index);
    }
  return withConnection({ address }, async (client) => {
    const traffic = await readTraffic(client, address.schema, [...tables]);
    const history = (await readHistory(client, address.schema)) ?? [];
    const applied = new Set(scripts.map(({ name }) => name).filter((name) => historyState(history, name) === 'applied'));
    return { traffic, applied };
  });
}
