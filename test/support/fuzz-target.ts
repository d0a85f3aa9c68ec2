import type { FastifyInstance } from 'fastify';
import type { TestDatabase } from './database.ts';
import type { FuzzOptions } from './fuzz.ts';

const headers = { 'x-test-role': 'ADMIN' };
const mark = 'Zzyzxqv';

/** Tables in which a refused call leaves nothing; the trail may tell of the refusal. */
const tables = [
  'patients',
  'patient_contacts',
  'patient_documents',
  'patient_allergies',
  'patient_risk_flags',
  'patient_outbox_events',
  'access_accounts',
  'access_keys',
];

/** Charts with marked names to attack, and how to see whether something was written. */
export async function prepareFuzz(
  database: Pick<TestDatabase, 'query'>,
  server: FastifyInstance,
): Promise<Pick<FuzzOptions, 'headers' | 'ids' | 'secrets' | 'countRows'>> {
  const post = async (url: string, payload: object) => {
    const reply = await server.inject({ method: 'POST', url, headers, payload });
    if (reply.statusCode !== 201) throw new Error(`${url} answered ${reply.statusCode}: ${reply.body}`);
    return reply.json<{ id: string }>().id;
  };
  const ids: string[] = [];
  for (let number = 0; number < 3; number += 1) {
    const id = await post('/api/v1/patients', {
      firstName: `${mark}given`,
      lastName: `${mark}family${number}`,
      dateOfBirth: '1990-01-01',
      email: `${mark}@example.org`,
    });
    ids.push(id, id, id);
    const chart = `/api/v1/patients/${id}`;
    ids.push(await post(`${chart}/contacts`, { firstName: `${mark}kin`, lastName: `${mark}kin`, relationship: 'SPOUSE' }));
    ids.push(await post(`${chart}/allergies`, { allergen: `${mark}latex`, allergyType: 'OTHER', severity: 'MILD' }));
    ids.push(await post(`${chart}/risk-flags`, { flagType: 'FALL_RISK', severity: 'LOW', notes: `${mark}note` }));
    ids.push(await post(`${chart}/documents`, { documentType: 'PASSPORT', documentNumber: `${mark}12345` }));
  }
  ids.push('0190b6b2-6d0f-7c3a-9c6e-00000000dead');
  const count = tables.map((table) => `(SELECT count(*) FROM ${table})`).join(' + ');
  return { headers, ids, secrets: [mark], countRows: async () => Number((await database.query<{ n: string }>(`SELECT ${count} AS n`))[0]?.n) };
}
