import pg from 'pg';
import { syntheticPeople } from '../../sample-ehr/index.ts';
import { linkCases } from '../../sample-ehr/link-cases.ts';
import { systemClock } from '../base/clock.ts';
import { type DatabaseAddress, toPgConfig } from '../base/config.ts';
import { newId } from '../base/ids.ts';
import { createPool, kyselyOnPool } from '../db/connect.ts';
import type { Ctx } from '../db/context.ts';
import { createMrnIssuer, getMrnFormats } from '../identifier/mrn.service.ts';
import { formatMrn, mrnYear } from '../identifier/mrn-format.ts';
import { findPatientByMrn, listPatients } from '../patient/lookup.service.ts';
import type { Patient } from '../patient/patient.schema.ts';
import { registerPatient } from '../patient/registration.service.ts';

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
  const mrns = createMrnIssuer();
  const ctx: Ctx = { db: kyselyOnPool(pool), pool, actor: { kind: 'system', name: 'npm start' }, clock: systemClock, newId, origin: 'npm start' };
  const settings = { timeZone: 'UTC', mrns };
  try {
    const before = await listPatients(ctx, { limit: 1, total: true });
    const missing = Math.max(0, wanted - (before.total ?? 0));
    const begun = performance.now();
    // The generator is seeded: a second start goes on where the first one stopped.
    for (const person of syntheticPeople(1)
      .drop(wanted - missing)
      .take(missing)) {
      await registerPatient(ctx, { firstName: null, ...person }, settings);
    }
    const milliseconds = performance.now() - begun;
    const first = await firstPatients(ctx);
    const total = (before.total ?? 0) + missing;
    return { registered: missing, total, linkedCases: await giveCases(address, first), milliseconds, first };
  } finally {
    await mrns.close();
    await pool.end();
  }
}

/** The patients with the first record numbers of this year. */
async function firstPatients(ctx: Ctx): Promise<Patient[]> {
  const [format] = await getMrnFormats(ctx.db);
  if (!format) return [];
  const year = mrnYear(format, ctx.clock.now());
  const found: Patient[] = [];
  for (let number = 1; number <= shown; number += 1) {
    const patient = await findPatientByMrn(ctx, formatMrn(format, { year, number }));
    if (patient) found.push(patient);
  }
  return found;
}

async function giveCases(address: DatabaseAddress, patients: readonly Patient[]): Promise<number> {
  const client = new pg.Client(toPgConfig(address, 'onechart start'));
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
