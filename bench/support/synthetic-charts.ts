import { createHash } from 'node:crypto';
import type pg from 'pg';
import { type SyntheticPerson, syntheticPeople } from '../../src/synth/index.ts';
import { onClient } from './registry-server.ts';

export interface SyntheticChart {
  readonly id: string;
  readonly mrn: string;
  readonly person: SyntheticPerson;
}

/** Charts in one statement; made past the registry, without its audit trail, for a benchmark measures what comes afterwards. */
const batchSize = 5000;

/** Ids in the order of time, as registrations make them, and the same in every run. */
function idOf(index: number): string {
  const noise = createHash('sha256').update(String(index)).digest('hex');
  const time = (1_700_000_000_000 + index).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${noise.slice(0, 3)}-8${noise.slice(3, 6)}-${noise.slice(6, 18)}`;
}

const chartColumns = [
  'id',
  'mrn',
  'firstName',
  'middleName',
  'lastName',
  'dateOfBirth',
  'dateOfBirthPrecision',
  'gender',
  'bloodType',
  'email',
  'phone',
  'phoneSecondary',
  'addressLine1',
  'addressLine2',
  'city',
  'state',
  'zipCode',
  'country',
  'preferredLanguage',
  'status',
  'deceased',
  'deceasedAt',
] as const;
const parts = [
  { table: 'patient_names', rows: 'names', columns: ['use', 'firstName', 'middleName', 'lastName', 'script', 'language', 'periodStart', 'periodEnd'] },
  { table: 'patient_telecoms', rows: 'telecoms', columns: ['system', 'use', 'value', 'periodEnd'] },
  { table: 'patient_identifiers', rows: 'identifiers', columns: ['type', 'system', 'value'] },
] as const;

function quoted(columns: readonly string[]): string {
  return columns.map((column) => `"${column}"`).join(', ');
}

async function insert(client: pg.Client, { table, columns, rows }: { table: string; columns: readonly string[]; rows: readonly object[] }): Promise<void> {
  await client.query(`INSERT INTO ${table} (${quoted(columns)}) SELECT ${quoted(columns)} FROM jsonb_populate_recordset(NULL::${table}, $1::jsonb)`, [
    JSON.stringify(rows),
  ]);
}

function lifeOf({ deceasedAt }: SyntheticPerson): { status: string; deceased: boolean } {
  return { status: deceasedAt === null ? 'ACTIVE' : 'DECEASED', deceased: deceasedAt !== null };
}

/** Fills a migrated database with synthetic people. One chart in `everyNth` is given back, evenly over the run. */
export async function fillWithPeople(url: string, options: { people: number; seed: number; everyNth: number }): Promise<SyntheticChart[]> {
  const { people, seed, everyNth } = options;
  const sample: SyntheticChart[] = [];
  await onClient(url, async (client) => {
    let batch: SyntheticChart[] = [];
    const write = async () => {
      const charts = batch.map(({ id, mrn, person }) => ({ ...person, id, mrn, ...lifeOf(person) }));
      await client.query('BEGIN');
      await insert(client, { table: 'patients', columns: chartColumns, rows: charts });
      for (const { table, rows, columns } of parts) {
        const all = batch.flatMap(({ id, person }) => person[rows].map((row) => ({ ...row, patientId: id })));
        await insert(client, { table, columns: ['patientId', ...columns], rows: all });
      }
      await client.query('COMMIT');
      batch = [];
    };
    let index = 0;
    for (const person of syntheticPeople({ people, seed })) {
      index += 1;
      const chart = { id: idOf(index), mrn: `MRN-2020-${String(index).padStart(7, '0')}`, person };
      batch.push(chart);
      if (index % everyNth === 0) sample.push(chart);
      if (batch.length === batchSize) await write();
    }
    await write();
    await client.query('VACUUM (ANALYZE)');
    await client.query('CHECKPOINT');
  });
  return sample;
}
