import { parseArgs } from 'node:util';
import pg from 'pg';
import { listen } from '../src/http/server.ts';
import { fuzzServer } from '../test/support/fuzz.ts';
import { prepareFuzz } from '../test/support/fuzz-target.ts';
import { openTestHttp } from '../test/support/http.ts';
import { machineLoad } from './support/machine.ts';
import { openRegistryServer } from './support/registry-server.ts';

export const describe =
  'malformed and hostile input to every operation: does any answer with 5xx, repeat what it was sent, write after a refusal, or break its contract? (--seed 1 --seeds 3 --cases 200)';

/** Each seed attacks a new database, so that a finding is seen again with the seed it names. */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string', default: '1' },
      seeds: { type: 'string', default: '3' },
      cases: { type: 'string', default: '200' },
      'database-url': { type: 'string' },
    },
  });
  await using databases = await openRegistryServer(values['database-url']);
  console.log((await databases.describe()).join('\n'));
  const first = Number(values.seed);
  let failed = 0;
  for (let seed = first; seed < first + Number(values.seeds); seed += 1) {
    const begun = performance.now();
    const { requests, statuses, findings } = await attack(await databases.migratedDatabase(`fuzz_${seed}`), seed, Number(values.cases));
    failed += findings.length;
    for (const each of findings) console.log(`FOUND ${each}`);
    const answers = Object.entries(statuses).map(([status, number]) => `${status}: ${number}`);
    const seconds = Math.round((performance.now() - begun) / 1000);
    console.log(`seed ${seed}: ${requests} requests in ${seconds} s, ${findings.length} findings; ${answers.join(', ')}; load ${machineLoad()}`);
  }
  if (failed > 0) process.exitCode = 1;
}

async function attack(url: string, seed: number, casesPerOperation: number) {
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  const server = openTestHttp({ url });
  try {
    const baseUrl = await listen(server, { port: 0, host: '127.0.0.1' });
    const query = async <Row extends pg.QueryResultRow>(sql: string, params: readonly unknown[] = []) => (await pool.query<Row>(sql, [...params])).rows;
    return await fuzzServer({ server, baseUrl, ...(await prepareFuzz({ query }, server)), seed, casesPerOperation });
  } finally {
    await server.close();
    await pool.end();
  }
}
