import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lintPath } from './index.ts';

const root = join(import.meta.dirname, '../../..');

/** Errors and warnings of a folder, as "migration rule: how many". */
async function verdict(folder: string): Promise<string[]> {
  const { findings } = await lintPath(join(root, folder));
  const counts = new Map<string, number>();
  for (const { migration, rule, severity } of findings) {
    if (severity === 'note') continue;
    const key = `${migration.replace(/^\d+_/, '')} ${severity} ${rule}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].map(([key, number]) => `${key}: ${number}`).toSorted();
}

test("the module's own migrations as Prisma would run them: what the engine takes another way", async () => {
  const { findings } = await lintPath(join(root, 'prisma'));
  expect(
    findings.filter(({ severity, avoidedByApply }) => severity === 'error' && !avoidedByApply).map(({ file, line, rule }) => `${file}:${line} ${rule}`),
  ).toEqual([]);
  expect(await verdict('prisma')).toEqual([
    'add_break_glass_grants warning lock-timeout-missing: 1',
    'add_patient_module error foreign-key-blocks-writes: 5',
    'add_patient_module error locks-pile-up: 1',
    'add_patient_module warning lock-timeout-missing: 1',
    'audit_and_outbox warning lock-timeout-missing: 1',
    'check_patient_data error check-blocks-table: 20',
    'check_patient_data error locks-pile-up: 1',
    'check_patient_data warning lock-timeout-missing: 1',
    'complete_merge_history error check-blocks-table: 1',
    'complete_merge_history error foreign-key-blocks-writes: 3',
    'complete_merge_history error locks-pile-up: 1',
    'complete_merge_history warning lock-timeout-missing: 1',
    'deliver_events error index-blocks-writes: 1',
    'deliver_events error locks-pile-up: 1',
    'deliver_events warning lock-timeout-missing: 1',
    'keep_document_contents error check-blocks-table: 2',
    'keep_document_contents warning lock-timeout-missing: 1',
    'keep_downtime_blocks warning lock-timeout-missing: 1',
    'queue_placeholder_patients warning lock-timeout-missing: 1',
    'register_real_people error check-blocks-table: 5',
    'register_real_people error foreign-key-blocks-writes: 1',
    'register_real_people error index-blocks-writes: 1',
    'register_real_people error locks-pile-up: 1',
    'register_real_people warning lock-timeout-missing: 1',
    'search_patients_by_words warning lock-timeout-missing: 1',
  ]);
});

test("the sample EHR's migrations: those of a host that has never heard of locks", async () => {
  expect(await verdict('sample-ehr/prisma')).toEqual([
    'add_appointments_and_prescriptions warning foreign-key-without-index: 2',
    'add_appointments_and_prescriptions warning lock-timeout-missing: 1',
    'add_consents_and_insurance warning foreign-key-without-index: 3',
    'add_consents_and_insurance warning lock-timeout-missing: 1',
    'add_consents_and_insurance warning locks-pile-up: 1',
    'init warning char-type: 1',
    'init warning foreign-key-without-index: 4',
    'track_last_seen_and_index_cases error index-blocks-writes: 1',
    'track_last_seen_and_index_cases error locks-pile-up: 1',
    'track_last_seen_and_index_cases warning lock-timeout-missing: 1',
  ]);
});
