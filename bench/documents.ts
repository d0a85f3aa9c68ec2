import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { systemClock } from '../src/base/clock.ts';
import { newId } from '../src/base/ids.ts';
import { kyselyOnPool } from '../src/db/connect.ts';
import { createDatabaseContents } from '../src/document/database-content.store.ts';
import { insertPendingContent } from '../src/document/document.store.ts';
import { openRegistry } from '../src/index.ts';
import { delivered, pdfOf } from '../test/support/files.ts';
import { startS3 } from '../test/support/s3-server.ts';
import { table } from './support/load.ts';
import { machineLoad } from './support/machine.ts';
import { openRegistryServer } from './support/registry-server.ts';

export const describe = 'MB/s of files in and out, for both stores and several lengths of pieces, with the memory they take (--megabytes 20 --files 16)';

const megabyte = 2 ** 20;
const lengths = [64, 256, 1024] as const;

interface Work {
  readonly name: string;
  readonly clients: number;
  readonly put: (number: number) => Promise<unknown>;
  readonly get: (number: number) => Promise<void>;
}

/** Runs the work for every file, so many at once, and says how fast that was and how far the memory grew. */
async function timed(files: number, clients: number, work: (number: number) => Promise<unknown>): Promise<{ seconds: number; grown: number }> {
  const before = process.memoryUsage().rss;
  let highest = before;
  const timer = setInterval(() => {
    highest = Math.max(highest, process.memoryUsage().rss);
  }, 10);
  const started = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: clients }, async () => {
      for (let number = next++; number < files; number = next++) await work(number);
    }),
  );
  clearInterval(timer);
  return { seconds: (performance.now() - started) / 1000, grown: (highest - before) / megabyte };
}

async function readAll(bytes: AsyncIterable<Uint8Array>): Promise<void> {
  let length = 0;
  for await (const part of bytes) length += part.length;
  if (length === 0) throw new Error('Nothing came back.');
}

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { megabytes: { type: 'string', default: '20' }, files: { type: 'string', default: '16' }, 'database-url': { type: 'string' } },
  });
  const size = Number(values.megabytes) * megabyte;
  const files = Number(values.files);
  const file = pdfOf(size);
  await using server = await openRegistryServer(values['database-url']);
  console.log((await server.describe()).join('\n'));
  const url = await server.migratedDatabase('documents');
  const pool = new pg.Pool({ connectionString: url, max: 10 });
  const s3 = await startS3();
  await using inDatabase = await openRegistry({ databaseUrl: url, maxConnections: 10 });
  await using inS3 = await openRegistry({ databaseUrl: url, maxConnections: 10, documents: { s3: s3.settings } });
  const ctx = { db: kyselyOnPool(pool), pool, actor: { kind: 'system' }, clock: systemClock, newId } as const;
  const works: Work[] = [];

  for (const length of lengths) {
    const store = createDatabaseContents(length * 1024);
    const keys: string[] = [];
    works.push({
      name: `bytes alone, pieces of ${length} KiB`,
      clients: 1,
      put: async (number) => {
        const id = newId();
        keys[number] = id;
        await insertPendingContent(ctx.db, { id, store: 'DATABASE', purpose: 'CONTENT', createdAt: new Date() });
        await store.put(ctx, id, delivered(file));
      },
      get: (number) => readAll(store.read(ctx, keys[number] as string, { first: 0, last: size - 1 })),
    });
  }
  for (const [name, registry] of [
    ['document, database', inDatabase],
    ['document, S3 server in this process', inS3],
  ] as const) {
    const patients = registry.patientRepository;
    for (const clients of [1, 8]) {
      const patient = await patients.create({ firstName: 'Synthetic', lastName: 'Benchmark', dateOfBirth: '1990-01-01' });
      const keys: { patientId: string; id: string }[] = [];
      works.push({
        name,
        clients,
        put: async (number) => {
          const { id } = await patients.addDocument(patient.id, { documentType: 'OTHER' });
          keys[number] = { patientId: patient.id, id };
          await patients.storeDocumentContent({ patientId: patient.id, id }, { content: delivered(file) });
        },
        get: async (number) => readAll((await patients.openDocumentContent(keys[number] as { patientId: string; id: string })).read()),
      });
    }
  }

  const floor = await timed(files, 1, async () => createHash('sha256').update(file).digest());
  const rate = (seconds: number) => ((files * size) / megabyte / seconds).toFixed(0);
  const rows: string[][] = [];
  for (const { name, clients, put, get } of works) {
    const put_ = await timed(files, clients, put);
    const got = await timed(files, clients, get);
    rows.push([name, String(clients), rate(put_.seconds), put_.grown.toFixed(0), rate(got.seconds), got.grown.toFixed(0), machineLoad()]);
    console.error(rows.at(-1)?.join('  '));
  }
  console.log(`\n${files} files of ${values.megabytes} MB each; SHA-256 alone of the same bytes: ${rate(floor.seconds)} MB/s\n`);
  console.log(table(['', 'at once', 'in MB/s', 'memory +MB', 'out MB/s', 'memory +MB', 'load'], rows));
  await pool.end();
  await s3.stop();
}
