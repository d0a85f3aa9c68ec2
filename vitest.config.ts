import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { findOlderServer } from './test/support/older-server.ts';

const older = findOlderServer();

/** What depends on the server's version: catalogue reading and locks in migrate/, SQL and error codes in patient/, JSON and dumps in audit/, the waiting for keys. */
const versionDependent = [
  'src/migrate/**/*.db.test.ts',
  'src/patient/**/*.db.test.ts',
  'src/audit/**/*.db.test.ts',
  'src/http/idempotency.db.test.ts',
  'src/http/replicas.db.test.ts',
  'src/search/search.db.test.ts',
  'src/search/search-entry.db.test.ts',
];

/**
 * Walks that kill at every event, random states and long work: on the newest server always; on the older one only with ONECHART_WALK=all,
 * because the way is the same and `npm test` has to stay short. What differs between versions is in the other files.
 */
const longWays =
  process.env.ONECHART_WALK === 'all'
    ? []
    : [
        'crash-walk',
        'read-back',
        'server-crash',
        'repair',
        'report/report',
        'live-workload',
        'random-states',
        'states',
        'rollback/rollback-crash',
        'rollback/rollback-parts',
        'rollback/rollback-states',
        'rollback/rollback-locks',
        'rollback/export-import',
        'orphans/orphans-crash',
        'orphans/orphans-live',
      ].map((name) => `src/migrate/${name}.db.test.ts`);

/**
 * Tests start hundreds of processes (commands, runs that are killed). Node keeps what it compiled for the next one: a start takes 0.15 to 0.3 s of CPU
 * instead of 0.4 to 0.7. The cache knows a file by its contents, so an old one can do no harm.
 */
const env = { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/onechart-tests') };

const database = { env, testTimeout: 60_000, hookTimeout: 120_000, pool: 'forks' } as const;

export default defineConfig({
  test: {
    // The machines this runs on have few cores, and a server works beside the tests.
    maxWorkers: 2,
    passWithNoTests: true,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{src,sample-ehr,scripts}/**/*.test.ts'],
          exclude: ['**/*.db.test.ts', '**/node_modules/**'],
          env,
        },
      },
      {
        test: {
          name: 'db',
          include: ['{src,test,sample-ehr}/**/*.db.test.ts'],
          exclude: ['**/node_modules/**', 'test/contract/**'],
          globalSetup: ['test/support/embedded-server.setup.ts'],
          ...database,
        },
      },
      {
        test: {
          name: 'contract',
          include: ['test/contract/**/*.test.ts'],
          globalSetup: ['test/support/embedded-server.setup.ts'],
          ...database,
        },
      },
      ...(older.binFolder === undefined
        ? []
        : [
            {
              test: {
                name: 'db-older',
                include: versionDependent,
                exclude: longWays,
                globalSetup: ['test/support/older-server.setup.ts'],
                ...database,
              },
            },
          ]),
    ],
  },
});
