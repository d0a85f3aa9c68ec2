import pg from 'pg';
import { linkCases } from '../../sample-ehr/link-cases.ts';
import { systemClock } from '../base/clock.ts';
import { type DatabaseAddress, toPgConfig } from '../base/config.ts';
import { createPool, kyselyOnPool } from '../db/connect.ts';
import { getMrnFormats } from '../identifier/mrn.service.ts';
import { formatMrn, mrnYear } from '../identifier/mrn-format.ts';
import { openRegistry, type Patient, type PatientRepository } from '../index.ts';
import { syntheticPeople } from '../synth/index.ts';
import { addSamplePeople, registerSynthetic } from './sample-people.ts';

export interface LoadedPatients {
  readonly registered: number;
  readonly total: number;
  readonly linkedCases: number;
  readonly milliseconds: number;
  /** The first ones by record number. */
  readonly first: readonly Patient[];
}

const shown = 5;

/** Registers synthetic people until there are as many as wanted, and gives the first ones a surgical case each. */
export async function loadPatients(address: DatabaseAddress, wanted: number): Promise<LoadedPatients> {
  const pool = createPool(address, { applicationName: 'onechart start' });
  const registry = await openRegistry({ pool, actor: { kind: 'system', name: 'npm start' }, origin: 'npm start' });
  const { patientRepository } = registry;
  try {
    const before = (await patientRepository.list({ limit: 1, total: true })).total ?? 0;
    const missing = Math.max(0, wanted - before);
    const begun = performance.now();
    // The generator is seeded: a second start goes on where the first one stopped.
    for (const person of syntheticPeople({ people: wanted }).drop(wanted - missing)) await registerSynthetic(patientRepository, person);
    const milliseconds = performance.now() - begun;
    // Once, on the first start that has loaded all the others.
    const special = before === 0 && missing > 0 ? await addSamplePeople(patientRepository) : 0;
    const first = await firstPatients(patientRepository, pool);
    const total = before + missing + special;
    return { registered: missing + special, total, linkedCases: await giveCases(address, first), milliseconds, first };
  } finally {
    await registry.close();
    await pool.end();
  }
}

/** The patients with the first record numbers of this year. */
async function firstPatients(patientRepository: PatientRepository, pool: pg.Pool): Promise<Patient[]> {
  const [format] = await getMrnFormats(kyselyOnPool(pool));
  if (!format) return [];
  const year = mrnYear(format, systemClock.now());
  const found: Patient[] = [];
  for (let number = 1; number <= shown; number += 1) {
    const patient = await patientRepository.findByMrn(formatMrn(format, { year, number }));
    if (patient) found.push(patient);
  }
  return found;
}

async function giveCases(address: DatabaseAddress, patients: readonly Patient[]): Promise<number> {
  const client = new pg.Client(toPgConfig(address, 'onechart start'));
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await linkCases(
      client,
      patients.map(({ id }) => id),
    );
  } finally {
    await client.end();
  }
}
