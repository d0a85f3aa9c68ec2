import { describe, expect, test } from 'vitest';
import type { Assessment, AssessedStatement } from './assess.ts';
import type { ObjectState } from './diff.ts';
import { buildPlan, type TableFacts } from './plan.ts';
import type { Effect } from './statement.ts';
import type { TableTraffic } from './traffic.ts';

const live: TableTraffic = { table: 'bills', rows: 1_000_000, megabytes: 200, pages: 25_600, writesPerSecond: 40 };
const own: TableTraffic = { table: 'patients', rows: 0, megabytes: 0, pages: 0, writesPerSecond: 0 };

function assessment(...effects: [Effect, ObjectState['state']][]): Assessment {
  const statements = effects.map(([effect, state], index) => ({
    number: index + 1,
    text: `CREATE INDEX statement ${index + 1}`,
    effect,
    hazards: [],
    object: { state } as ObjectState,
  })) satisfies AssessedStatement[];
  return {
    migrations: [
      { file: { name: '1_m', sql: '', checksum: '' }, statements, history: 'absent', attempt: undefined, edited: false, complete: false, compared: true },
    ],
    history: [],
    failedElsewhere: [],
    withoutFile: [],
    outOfOrder: [],
  };
}

const table: Effect = { kind: 'table', name: 'patients' };
const liveKey: Effect = { kind: 'foreign-key', name: 'bills_patientId_fkey', table: 'bills', columns: ['patientId'], references: 'patients' };
const liveIndex: Effect = { kind: 'index', name: 'bills_patientId_idx', table: 'bills', columns: ['patientId'], concurrently: false };
const ownIndex: Effect = { kind: 'index', name: 'patients_mrn_key', table: 'patients', columns: ['mrn'], concurrently: false };

const tables = (...traffic: [string, TableTraffic][]): TableFacts => ({ traffic: new Map(traffic), partitions: new Map() });

describe('a plan', () => {
  test('makes new tables in one transaction and touches live ones one at a time', () => {
    const { steps } = buildPlan(assessment([table, 'missing'], [ownIndex, 'missing'], [liveKey, 'missing'], [liveIndex, 'missing']), tables(['bills', live]));
    expect(steps.map(({ key, lock }) => [key, lock])).toEqual([
      ['structure', undefined],
      ['add bills_patientId_fkey', 'SHARE ROW EXCLUSIVE'],
      ['validate bills_patientId_fkey', 'SHARE UPDATE EXCLUSIVE'],
      ['index bills_patientId_idx', 'SHARE UPDATE EXCLUSIVE'],
    ]);
    expect(steps[1]?.statements[0]).toMatch(/ NOT VALID$/);
    expect(steps[3]?.statements[0]).toMatch(/^CREATE INDEX CONCURRENTLY /);
  });

  test('does only what is missing: a key not yet validated is validated, an invalid index rebuilt', () => {
    const { steps } = buildPlan(assessment([table, 'present'], [liveKey, 'invalid'], [liveIndex, 'invalid']), tables(['bills', live], ['patients', own]));
    expect(steps.map(({ key }) => key)).toEqual(['validate bills_patientId_fkey', 'drop invalid bills_patientId_idx', 'index bills_patientId_idx']);
  });

  test('a table of ours that holds rows counts as live', () => {
    const { steps } = buildPlan(assessment([table, 'present'], [ownIndex, 'missing']), tables(['patients', { ...own, rows: 10, pages: 1 }]));
    expect(steps.map(({ kind }) => kind)).toEqual(['index']);
  });

  test('with everything there only the history is finished', () => {
    expect(buildPlan(assessment([table, 'present']), tables())).toEqual({ steps: [], historyOnly: ['1_m'] });
  });

  test('estimates grow with the table; a write waits only for catalogue changes', () => {
    const { steps } = buildPlan(assessment([table, 'present'], [liveKey, 'missing'], [liveIndex, 'missing']), tables(['bills', live], ['patients', own]));
    const [add, validate, index] = steps;
    expect(validate?.estimate.milliseconds).toBeGreaterThan(10 * (add?.estimate.milliseconds ?? 0));
    expect(index?.estimate.milliseconds).toBeGreaterThan(validate?.estimate.milliseconds ?? 0);
    expect([add?.estimate.writeWaitMilliseconds, validate?.estimate.writeWaitMilliseconds]).toEqual([4, 0]);
  });
});

test('a key of a partitioned table that is made in the same run is added whole: before PostgreSQL 18 it cannot be NOT VALID', () => {
  const trail: Effect = { kind: 'table', name: 'trail' };
  const key: Effect = { kind: 'foreign-key', name: 'trail_billId_fkey', table: 'trail', columns: ['billId'], references: 'bills' };
  const made = assessment([trail, 'missing'], [key, 'missing']);
  const statements = made.migrations.flatMap((each) =>
    each.statements.map((statement) => ({
      ...statement,
      text: statement.effect === trail ? 'CREATE TABLE trail (at date)\nPARTITION BY RANGE (at)' : 'ALTER TABLE trail ADD KEY',
    })),
  );
  const { steps } = buildPlan({ ...made, migrations: made.migrations.map((each) => ({ ...each, statements })) }, tables(['bills', live]));
  expect(steps.map(({ key: name, statements: run }) => [name, run.at(-1)])).toEqual([
    ['structure', statements[0]?.text],
    ['add trail_billId_fkey', 'ALTER TABLE trail ADD KEY'],
  ]);
});
