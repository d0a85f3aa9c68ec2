import { createSampleEhr, type IdType } from '../../sample-ehr/index.ts';
import { cloneOf, createDatabase, moduleMigrations, type TestDatabase, withClient } from './database.ts';

/** The link tables of the sample EHR whose column may be NULL; consents and policies need a patient. */
export const nullable = ['surgical_cases', 'medical_records', 'bills'] as const;

/** A sample EHR with orphans in all five link tables: 20 ids, each in every table. */
export async function createOrphanHost(options: { idType?: IdType; orphans?: number; rows?: number } = {}): Promise<TestDatabase> {
  const { idType = 'uuid', orphans = 100, rows = 300 } = options;
  const key = `${idType} ${orphans} ${rows}`;
  const original = originals.get(key) ?? makeOriginal({ idType, orphans, rows });
  originals.set(key, original);
  return cloneOf(await original);
}

/** One of each kind per file of tests, to be cloned; the server of the run takes them with it. */
const originals = new Map<string, Promise<TestDatabase>>();

async function makeOriginal(options: { idType: IdType; orphans: number; rows: number }): Promise<TestDatabase> {
  const database = await createDatabase();
  await withClient(database.url, (client) => createSampleEhr(client, options));
  return database;
}

/** The module's tables by plain execution, without the keys of the link tables: a host in which a migration was done by half. */
export async function addModuleWithoutKeys(database: TestDatabase): Promise<void> {
  await withClient(database.url, async (client) => {
    for (const { sql } of await moduleMigrations()) {
      const text = sql.replaceAll(/ALTER TABLE "(?:surgical_cases|medical_records|bills|patient_consent_instances|insurance_policies)"[^;]*;/g, '');
      await client.query(text);
    }
  });
}

/** Every link of the host, to be compared before and after. */
export async function linksOf(database: TestDatabase): Promise<Record<string, (string | null)[]>> {
  const links: Record<string, (string | null)[]> = {};
  for (const table of ['surgical_cases', 'medical_records', 'bills', 'patient_consent_instances', 'insurance_policies'])
    links[table] = (await database.query<{ id: string | null }>(`SELECT "patientId"::text AS id FROM ${table} ORDER BY ${table}.id`)).map(({ id }) => id);
  return links;
}
